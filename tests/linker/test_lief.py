"""Executables as another reader of ELF sees them."""

from __future__ import annotations

from pathlib import Path

import lief
import pytest

import waot
from tests import tools

HELLO = tools.ROOT / "tests" / "programs" / "c" / "hello.c"


@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
@pytest.mark.parametrize(
    ("target", "machine"), [("x86_64-linux", "X86_64"), ("aarch64-linux", "AARCH64"), ("riscv64-linux", "RISCV")]
)
def test_lief_finds_a_static_program_without_surprises(target: str, machine: str, memory: str, tmp_path: Path) -> None:
    try:
        wasm = tools.compile_to_wasm(HELLO)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    waot.build(wasm, tmp_path / "hello", [target], memory=memory)
    binary = lief.ELF.parse(str(tmp_path / "hello"))
    assert binary is not None
    assert binary.header.machine_type.name == machine
    assert not list(binary.libraries)
    assert not binary.has_interpreter
    assert not list(binary.imported_functions)
    assert binary.is_pie == (memory != "static")
    read, write, execute = (lief.ELF.Segment.FLAGS.R, lief.ELF.Segment.FLAGS.W, lief.ELF.Segment.FLAGS.X)
    loads = [s for s in binary.segments if s.type == lief.ELF.Segment.TYPE.LOAD]
    assert loads
    assert all(s.has(read) for s in loads)
    assert not any(s.has(write) and s.has(execute) for s in loads)
    entry = [s for s in loads if s.virtual_address <= binary.entrypoint < s.virtual_address + s.virtual_size]
    assert len(entry) == 1
    assert entry[0].has(execute)
    stack = next(s for s in binary.segments if s.type == lief.ELF.Segment.TYPE.GNU_STACK)
    assert not stack.has(execute)
