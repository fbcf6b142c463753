"""Programs for Android: their form is what its loader and its devices ask for, and they do what wasmtime makes of them.

They run here on Linux, natively or in qemu-user: a static program meets nothing of Android but its kernel, and the
filter of system calls that apps start their children under.
"""

from __future__ import annotations

import ctypes
import platform
import signal
import struct
import subprocess
from pathlib import Path

import lief
import pytest

import waot
from tests import tools
from tests.programs import harness
from tests.programs.harness import Configuration
from tests.threads.test_threads import compiled
from waot.targets import find_target

TARGETS = ("aarch64-android", "x86_64-android")
each_target = pytest.mark.parametrize("target", TARGETS)
PAGES_OF_ANDROID = (4096, 16384)

# Files and directories, memory, floating point, a trap with its backtrace, exit statuses.
QUICK = ("c/directory", "c/trap_call_mismatch", "c/digests")
PROGRAMS = harness.discover()
CASES = [
    pytest.param(
        program,
        Configuration(target, "guarded", "2"),
        id=f"{program.name}-{target}",
        marks=() if program.name in QUICK else (pytest.mark.slow,),
    )
    for program in PROGRAMS
    for target in TARGETS
    if not program.variant
]


def _runner(target: str) -> tuple[str, ...]:
    try:
        return tools.runner(target)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(("program", "configuration"), CASES)
def test_the_program_does_what_wasmtime_does(
    program: harness.Program, configuration: Configuration, tmp_path: Path
) -> None:
    _runner(configuration.target)
    try:
        program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    executable = harness.build(program, configuration, tmp_path / "program")
    for run in program.runs:
        expected = harness.run_under_wasmtime(program, run)
        actual = harness.run_natively(program, run, executable, configuration.target)
        harness.compare(program, run, expected, actual)


@each_target
def test_a_program_is_a_static_pie_for_every_page_size_of_android(target: str, tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_text('(module (memory 1) (data (i32.const 0) "x") (func (export "_start")))')
    waot.build(tmp_path / "a.wat", tmp_path / "a", [target])
    binary = lief.ELF.parse(str(tmp_path / "a"))
    assert binary is not None
    assert binary.is_pie
    assert not binary.has_interpreter
    loads = [s for s in binary.segments if s.type == lief.ELF.Segment.TYPE.LOAD]
    assert len(loads) > 2
    for page in PAGES_OF_ANDROID:
        for segment in loads:
            assert segment.alignment % page == 0
            assert (segment.virtual_address - segment.file_offset) % page == 0
        taken: set[int] = set()
        for segment in loads:  # what is mapped with other rights lies in pages of its own
            end = segment.virtual_address + segment.virtual_size
            pages = set(range(segment.virtual_address // page, -(-end // page)))
            assert not taken & pages
            taken |= pages


@each_target
def test_programs_with_threads_work_and_their_variables_are_aligned_as_bionic_asks(target: str, tmp_path: Path) -> None:
    runner = _runner(target)
    try:
        module = compiled("c/counter")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    waot.build(module, tmp_path / "counter", [target], opt_level=1)
    waot.build(module, tmp_path / "linux", [target.replace("android", "linux")], opt_level=1)
    binary = lief.ELF.parse(str(tmp_path / "counter"))
    assert binary is not None
    alignments = [s.alignment for s in binary.segments if s.type == lief.ELF.Segment.TYPE.TLS]
    assert len(alignments) == 1
    assert alignments[0] >= 64
    results = [
        subprocess.run([*runner, tmp_path / name], capture_output=True, timeout=120, check=False)
        for name in ("counter", "linux")
    ]
    assert results[0].returncode == 0
    assert (results[0].stdout, results[0].stderr) == (results[1].stdout, results[1].stderr)


def test_there_are_no_fixed_addresses() -> None:
    for name in TARGETS:
        with pytest.raises(waot.errors.UsageError, match="no memory strategy 'static'; use auto or one of guarded, "):
            find_target(name).memory_strategy("static")


OPENAT2 = 437


def _as_for_an_app() -> None:
    """From here on openat2 ends the process by SIGSYS: what the filter of Android's apps does up to version 15."""
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, OPENAT2), (0x06, 0, 0, 0x00030000), (0x06, 0, 0, 0x7FFF0000)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    program = struct.pack("@HP", len(code), ctypes.addressof(text))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, program, 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


@pytest.mark.skipif(platform.machine() != "x86_64", reason="qemu-user has no seccomp: only a native program meets it")
def test_files_are_opened_without_the_call_for_which_android_ends_an_app(tmp_path: Path) -> None:
    source = tmp_path / "read.c"
    source.write_text(
        '#include <stdio.h>\nint main(void) { char b[9]; FILE *f = fopen("/d/up/file", "r");\n'
        "return !f || !fgets(b, sizeof b, f) || puts(b) < 0; }\n"
    )
    try:
        module = tools.compile_to_wasm(source)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    granted = tmp_path / "granted"
    (granted / "sub").mkdir(parents=True)
    (granted / "up").symlink_to("sub")
    (granted / "sub" / "file").write_text("text")
    done = {}
    for system in ("android", "linux"):
        waot.build(module, tmp_path / system, [f"x86_64-{system}"], dirs=[f"{granted}::/d"])
        done[system] = subprocess.run(
            [tmp_path / system], capture_output=True, preexec_fn=_as_for_an_app, timeout=60, check=False
        )
    assert (done["android"].returncode, done["android"].stdout) == (0, b"text\n")
    assert done["linux"].returncode == -signal.SIGSYS
