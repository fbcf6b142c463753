"""What the shim has to do about authority at the start of a program: `waot_authority`, a constant of generated code.

It follows from the grants and from what the program imports, which is all that whoever runs it could add to: a program
that imports no function for sockets has no use for ``WAOT_LISTEN``, and none of the code behind it is linked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from waot.lowering.abi import (
    AUTHORITY_ARGUMENTS,
    AUTHORITY_COMPRESSED,
    AUTHORITY_DETERMINISTIC,
    AUTHORITY_DIRECTORIES,
    AUTHORITY_EMBEDDED,
    AUTHORITY_ENVIRONMENT,
    AUTHORITY_FILES,
    AUTHORITY_LISTEN,
    AUTHORITY_OVERLAY,
    AUTHORITY_PROFILE,
    AUTHORITY_RUN_TIME,
)
from waot.lowering.imports import WASI_MODULES

if TYPE_CHECKING:
    from waot.options import Grants


def authority(
    grants: Grants,
    imports: Iterable[tuple[str, str]],
    *,
    embedded: bool = False,
    compressed: bool = False,
    instrumented: bool = False,
) -> int:
    """The WAOT_AUTHORITY_* of a program with those imports, (module, name) each, grants and embedded files."""
    names = {name for module, name in imports if module in WASI_MODULES}
    paths = any(name.startswith("path_") or name in ("fd_readdir", "fd_prestat_get") for name in names)
    environment = not names.isdisjoint(("environ_get", "environ_sizes_get"))
    run_time = not grants.sealed
    wanted = {
        AUTHORITY_DIRECTORIES: grants.dirs or (run_time and paths),
        AUTHORITY_FILES: grants.files or (run_time and paths),
        AUTHORITY_LISTEN: grants.listen or (run_time and "sock_accept" in names),
        AUTHORITY_ENVIRONMENT: run_time and environment,
        AUTHORITY_ARGUMENTS: grants.args,
        AUTHORITY_DETERMINISTIC: grants.seed is not None,
        AUTHORITY_RUN_TIME: run_time,
        AUTHORITY_EMBEDDED: embedded,
        AUTHORITY_COMPRESSED: compressed,
        AUTHORITY_OVERLAY: grants.overlays,
        AUTHORITY_PROFILE: instrumented,
    }
    return sum(bit for bit, needed in wanted.items() if needed)
