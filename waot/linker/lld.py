"""lld run on the objects of a program, for the linkers of the formats."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from waot.errors import CacheError
from waot.linker.inputs import Inputs
from waot.zig import run_zig


def run_lld(
    inputs: Inputs, command: Sequence[str], objects: Sequence[bytes], *, files: Mapping[str, bytes] | None = None
) -> bytes:
    """What `command` makes of `objects` and of the runtime's, in their order: it is to write the file ``out``.

    Of the runtime's objects on demand it takes what is referred to. `files` are there by their names. Raises
    ToolError, and CacheError where temporary files cannot be written.
    """
    option = "/" if command[0] == "lld-link" else "--"
    words = list(command)
    try:
        with tempfile.TemporaryDirectory(prefix="waot-link-") as name:
            work = Path(name)
            for index, data in enumerate(objects):
                (work / f"{index}.o").write_bytes(data)
                words.append(f"{index}.o")
            words += map(str, inputs.runtime.objects)
            words += [f"{option}start-lib", *map(str, inputs.runtime.on_demand), f"{option}end-lib"]
            words += map(str, inputs.runtime.libraries)
            for name_of_file, data in (files or {}).items():
                (work / name_of_file).write_bytes(data)
            run_zig(words, cache_dir=inputs.cache_dir, directory=work, what=f"linking for {inputs.target.name}")
            return (work / "out").read_bytes()
    except OSError as error:
        raise CacheError(f"the linker's temporary files: {error.strerror}") from None
