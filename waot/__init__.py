"""waot: an ahead-of-time compiler from WebAssembly to native, sandboxed executables.

    import waot

    waot.build("app.wasm", "app", targets=["aarch64-linux"], opt_level=3, dirs=["data::/data:ro"])

The functions are those of `waot.api`; they load on first use, so that ``import waot`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waot.api import BuildResult, Report, build, inspect, release, validate
    from waot.errors import UsageError, WaotError

__version__ = "0.1.0"
__all__ = [
    "BuildResult",
    "Report",
    "UsageError",
    "WaotError",
    "__version__",
    "build",
    "inspect",
    "release",
    "validate",
]

_HOME = {
    "BuildResult": "waot.api",
    "Report": "waot.api",
    "UsageError": "waot.errors",
    "WaotError": "waot.errors",
    "build": "waot.api",
    "inspect": "waot.api",
    "release": "waot.api",
    "validate": "waot.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
