"""Several relocatable objects to one, for ``--emit obj`` of a module that was compiled in units."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from waot.errors import CacheError
from waot.targets import Target
from waot.zig import run_zig


def combine_objects(objects: Sequence[bytes], target: Target, cache_dir: Path) -> bytes:
    """One relocatable object of several. Raises ToolError where lld refuses, CacheError where there is no room."""
    try:
        with tempfile.TemporaryDirectory(prefix="waot-link-") as name:
            work = Path(name)
            names = [f"{index}.o" for index in range(len(objects))]
            for file, contents in zip(names, objects, strict=True):
                (work / file).write_bytes(contents)
            arguments = ["ld.lld", "-r", "-o", "out", *names]
            run_zig(arguments, cache_dir=cache_dir, directory=work, what=f"linking for {target.name}")
            return (work / "out").read_bytes()
    except OSError as error:
        raise CacheError(f"the linker's temporary files: {error.strerror}") from None
