"""Where the data that is not Python code is: the target files and the sources of the runtime shim.

In a checkout they stand at the project root, for people to find; a wheel carries them in ``waot/data`` (see
``force-include`` in pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

from waot.errors import ToolError

_PACKAGE = Path(__file__).resolve().parent


def resource_root() -> Path:
    """The directory that holds ``targets/`` and ``runtime-support/``.

    Raises ToolError where the installation lacks them. The checkout comes first, so that an editable install always
    uses the sources that are being edited.
    """
    for root in (_PACKAGE.parent, _PACKAGE / "data"):
        # Both must be there: a directory `targets` beside an installed package might be anybody's.
        if (root / "targets").is_dir() and (root / "runtime-support" / "include" / "waot_abi.h").is_file():
            return root
    raise ToolError(
        "the installation is incomplete: no targets/ and runtime-support/",
        file=str(_PACKAGE),
        hint="install waot again",
    )


def targets_dir() -> Path:
    """The directory of the target files, one ``.toml`` a target."""
    return resource_root() / "targets"


def runtime_support_dir() -> Path:
    """The directory of the runtime shim's C sources."""
    return resource_root() / "runtime-support"
