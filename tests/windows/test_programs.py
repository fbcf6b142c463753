"""Programs for Windows, under Wine: what is theirs alone; tests/programs and tests/runtime have what all share."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import lief
import pytest

import waot
from tests import tools
from tests.runtime.programs import build, function
from tests.wasi.guest import CREAT, DIRECTORY, READ, SUCCESS, WRITE, Calls
from tests.wasi.test_listening import free_ports
from tests.windows.guest import TARGETS
from waot.errors import ToolError
from waot.linker import inspect_executable
from waot.targets import find_target

HERE = Path(__file__).resolve().parent
HELLO = tools.ROOT / "tests/programs/c/hello.c"
NOTHING = function(0, "void ()", "  ret void")


def run(target: str, program: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [*tools.runner(target), str(program), *arguments],
        cwd=program.parent,
        env=environment or {},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


Files = Callable[..., str]


@pytest.fixture
def files(target: str, tmp_path: Path) -> Files:
    """Runs files.c, which has an embedded directory, one granted for writing and two variables."""
    embedded = tmp_path / "embedded"
    (embedded / "below").mkdir(parents=True)
    (embedded / "text").write_bytes(b"one\r\ntwo\n")
    (tmp_path / "granted").mkdir()
    program = tmp_path / "files.exe"
    waot.build(
        tools.compile_to_wasm(HERE / "c" / "files.c"),
        program,
        [target],
        opt_level="1",
        dirs=["granted::/w"],
        embeds=[f"{embedded}::/e"],
        env=["A=\u00e4\u20ac\U0001f600", "B"],
    )
    return partial(run, target, program)


def test_hello_is_small_and_says_it(target: str, tmp_path: Path) -> None:
    program = tmp_path / "hello.exe"
    waot.build(tools.compile_to_wasm(HELLO, ["-Os", "-s"]), program, [target])
    assert program.stat().st_size <= 24 << 10
    assert run(target, program) == "Hello, world!\n"


def test_text_is_utf_8_in_the_program_and_utf_16_outside(files: Files, tmp_path: Path) -> None:
    word = 'a "b\\" \\\\ \u00fc\U0001f600'
    assert files(word, "", environment={"B": "\u0416 x"}) == f"\u00e4\u20ac\U0001f600 \u0416 x\n{word}\n\n"


def test_ends_of_lines_stay_as_they_are(files: Files, tmp_path: Path) -> None:
    assert files("+/w/new", "/w/new") == "\u00e4\u20ac\U0001f600 -\n/w/new\n9:one\r\ntwo\n\n"
    assert (tmp_path / "granted/new").read_bytes() == b"one\r\ntwo\n"


def test_what_is_embedded_is_read_from_the_executable(files: Files, tmp_path: Path) -> None:
    (tmp_path / "embedded/text").unlink()
    assert files("/e", "/e/text").splitlines()[1:] == [
        *("/e", ".", "..", "below", "text", "/e/text"),
        *("9:one", "two", ""),
    ]


def test_paths_longer_than_260_characters_are_paths(files: Files, tmp_path: Path) -> None:
    names = ["\u00e9" * 100] * 5
    place = tmp_path / "granted"
    for name in names:
        place = place / name
    place.mkdir(parents=True)
    path = f"/w/{'/'.join(names)}/file"
    assert files(f"+{path}", path).endswith("9:one\r\ntwo\n\n")
    assert (place / "file").read_bytes() == b"one\r\ntwo\n"


@pytest.mark.parametrize(
    "name",
    [
        *("NUL", "nul.txt", "con", "AUX.x.y", "COM1", "lpt9.log", "CONOUT$", "prn .x"),
        *("file:stream", "file::$DATA", "C:", "C:\\x", "..\\secret", "dir\\x", "\\\\?\\C:\\x"),
        *("a*", "a?", "a<b", "a>b", 'a"b', "a|b", "a\x01", "dot.", "space "),
    ],
)
def test_a_name_that_windows_takes_for_something_else_is_refused(at_root: Calls, root: Path, name: str) -> None:
    (root / "file").write_text("content")
    (root / "dir").mkdir()
    before = sorted(root.parent.rglob("*"))
    for path in (name, f"dir/{name}", f"{name}/x"):
        assert at_root.open(3, path, oflags=CREAT, rights=WRITE)[0] == "inval", path
        assert at_root.open(3, path, rights=READ)[0] == "inval", path
        assert at_root.mkdir(3, path) == "inval", path
        assert at_root.rename(3, "file", 3, path) == "inval", path
        assert at_root.unlink(3, path) == "inval", path
    assert sorted(root.parent.rglob("*")) == before


def test_names_that_are_almost_those_are_names(at_root: Calls, root: Path) -> None:
    names = ["NULL", "con1", "COM", "COM10", "xnul", "lpt", ".nul", "a.con", "nul-"]
    for name in names:
        fd = at_root.opened(3, name, oflags=CREAT, rights=WRITE)
        assert at_root.write(fd, name.encode())[0] == SUCCESS
        assert at_root.close(fd) == SUCCESS
    assert {path.name: path.read_text() for path in root.iterdir()} == {name: name for name in names}


def test_no_link_to_a_directory_leads_out(at_root: Calls, root: Path) -> None:
    """Wine shows such a link as a reparse point: a junction, as far as a program can tell."""
    (root.parent / "secret").mkdir()
    (root.parent / "secret/file").write_text("secret")
    (root / "dir").mkdir()
    for name, target in (("up", ".."), ("absolute", str(root.parent)), ("dir/out", "../../secret")):
        (root / name).symlink_to(target)
    for path in ("up/secret/file", "absolute/secret/file", "dir/out/file", "up/root/up/secret/file"):
        assert at_root.open(3, path, rights=READ)[0] == "perm", path
        assert at_root.open(3, path, oflags=CREAT, rights=WRITE)[0] == "perm", path
        assert at_root.path_stat(3, path, follow=True)[0] == "perm", path
        assert at_root.unlink(3, path) == "perm", path
        assert at_root.rename(3, path, 3, "here") == "perm", path
    for path in ("up", "absolute", "dir/out"):
        assert at_root.open(3, path, oflags=DIRECTORY, follow=True)[0] == "perm", path
        assert at_root.mkdir(3, f"{path}/new") == "perm", path
    assert (root.parent / "secret/file").read_text() == "secret"
    assert sorted(p.name for p in root.iterdir()) == ["absolute", "dir", "up"]


def test_an_executable_asks_for_nothing_but_the_system(target: str) -> None:
    machine = find_target(target)
    binary = lief.PE.parse(list(build(machine, machine.memory_default, NOTHING)))
    assert isinstance(binary, lief.PE.Binary)
    assert {item.name for item in binary.imports} <= {"KERNEL32.dll", "ntdll.dll", "ADVAPI32.dll"}  # no sockets
    assert "@" not in "".join(str(entry.name) for item in binary.imports for entry in item.entries)
    characteristics = lief.PE.OptionalHeader.DLL_CHARACTERISTICS
    wanted = [characteristics.DYNAMIC_BASE, characteristics.NX_COMPAT]
    wanted += [characteristics.NO_SEH if machine.pointer_bits == 32 else characteristics.HIGH_ENTROPY_VA]
    assert all(binary.optional_header.has(each) for each in wanted)
    assert binary.header.has_characteristic(lief.PE.Header.CHARACTERISTICS.LARGE_ADDRESS_AWARE)
    assert binary.header.time_date_stamps == 0
    assert binary.optional_header.subsystem == lief.PE.OptionalHeader.SUBSYSTEM.WINDOWS_CUI
    write, execute = (lief.PE.Section.CHARACTERISTICS[f"MEM_{what}"] for what in ("WRITE", "EXECUTE"))
    assert not any(s.has_characteristic(write) and s.has_characteristic(execute) for s in binary.sections)
    assert binary.has_relocations
    exceptions = binary.data_directory(lief.PE.DataDirectory.TYPES.EXCEPTION_TABLE)
    assert exceptions is not None
    if machine.pointer_bits == 32:
        assert exceptions.size == 0
    else:
        assert exceptions.size // 12 > 20  # functions that backtraces can walk through


def test_inspect_reads_it_back(target: str) -> None:
    data = build(find_target(target), "checked", NOTHING, stack_size=3 << 20)
    info = inspect_executable(data)
    machine = "x86_64" if target == "x86_64-windows" else "x86"
    assert (info.format, info.machine, info.size) == ("PE executable", machine, len(data))
    assert (info.manifest.target, info.manifest.memory, info.manifest.stack_size) == (target, "checked", 3 << 20)
    assert [segment.access for segment in info.segments] == ["r-x", "rw-", "r--", "r--"]
    for cut in (2, 0x40, 0x90, 0x200, 0x500, len(data) - 0x500):
        with pytest.raises(ToolError) as caught:
            inspect_executable(data[:cut])
        assert "\n" not in str(caught.value)


def test_the_same_input_gives_the_same_bytes(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = find_target(target)
    here = build(machine, machine.memory_default, NOTHING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert build(machine, machine.memory_default, NOTHING) == here


def test_memory_at_a_constant_address_is_refused_and_who_has_it_named(target: str) -> None:
    with pytest.raises(waot.WaotError, match=r"no memory strategy 'static'.*x86_64-linux"):
        waot.build(tools.compile_to_wasm(HELLO), Path("unused"), [target], memory="static")


@pytest.mark.parametrize("target", [*TARGETS, pytest.param("aarch64-windows", marks=pytest.mark.slow)], indirect=True)
def test_a_server(target: str, tmp_path: Path) -> None:
    """The echo server of tests/authority: granted addresses, one of them as it starts."""
    ports = free_ports(3)
    addresses = [f"127.0.0.1:{port}" for port in ports]
    program = tmp_path / "echo.exe"
    echo = tools.compile_to_wasm(tools.ROOT / "tests/authority/c/echo.c")
    waot.build(echo, program, [target], opt_level="1", listen=addresses[:2], dirs=[f"{tmp_path}::/"])
    binary = lief.PE.parse(str(program))
    assert binary is not None
    assert "WS2_32.dll" in {item.name for item in binary.imports}
    command = [*tools.runner(target), str(program)]
    large = bytes(range(256)) * 4000
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"WAOT_LISTEN": addresses[2]}) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"3 sockets from 4 on\n"
        for port, message, answer in [
            *((port, m, m) for port in ports for m in (b"hello", large)),
            (ports[1], b"quit", b""),
        ]:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                got = b""
                client.sendall(message)
                client.shutdown(socket.SHUT_WR)
                while data := client.recv(1 << 20):
                    got += data
            assert got == answer
            if port == ports[0] and message == b"hello":  # another program of the same addresses has no place
                second = subprocess.run(command, capture_output=True, env={}, check=False, timeout=120)
                refused = f"waot: cannot listen at '{addresses[0]}': the address is in use\n".encode()
                assert (second.returncode, second.stderr) == (1, refused)
        assert server.stdout.read() == b"7 connections\n"
        assert server.wait(60) == 0
