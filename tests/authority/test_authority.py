"""Real programs with what their builder granted, what whoever runs them adds, and nothing else.

The programs in c/ are compiled to WebAssembly and built by `waot`. Where wasmtime can grant the same (a directory that
holds just the file, arguments, variables), its output is the expected one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import wasmtime

from tests import tools
from waot import options
from waot.lowering.authority import authority

HERE = Path(__file__).resolve().parent
FORMS = ("-O1",)  # enough for constants to rule code out, and quick


def module(name: str) -> Path:
    try:
        return tools.compile_to_wasm(HERE / "c" / f"{name}.c")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


def waot(*arguments: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(tools.ROOT), "WAOT_CACHE_DIR": str(tools.cache_directory() / "waot")}
    command = [sys.executable, "-m", "waot", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done


def build(name: str, place: Path, *grants: str) -> Path:
    """The program, built for this machine in `place` with those options."""
    output = place / name
    waot("build", module(name), "-o", output, *FORMS, *grants, cwd=place)
    return output


def run(
    program: Path, *arguments: str, env: dict[str, str] | None = None, status: int = 0, cwd: Path | None = None
) -> tuple[str, str]:
    """Standard output and error of a run with just those variables."""
    done = subprocess.run(
        [f"./{program.name}", *arguments],
        cwd=cwd or program.parent,
        executable=program,
        env=env or {},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def under_wasmtime(
    name: str, arguments: Sequence[str], directories: dict[str, Path], env: dict[str, str], place: Path
) -> str:
    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store = wasmtime.Store(engine)
    config = wasmtime.WasiConfig()
    config.argv = [f"./{name}", *arguments]
    config.env = list(env.items())
    config.stdout_file = str(place / "stdout")
    for guest, host in directories.items():
        config.preopen_dir(str(host), guest)
    store.set_wasi(config)
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(module(name))))
    try:
        instance.exports(store)["_start"](store)
    except wasmtime.ExitTrap as end:
        if end.code != 0:
            raise
    return (place / "stdout").read_text()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Some files of a host."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "config").write_text("colour = blue\n")
    (tmp_path / "etc" / "passwords").write_text("secret\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "in").write_text("1 2 3\n")
    return tmp_path


# ------------------------------------------------------------------------------------------ files, arguments, variables

LOOK = [
    *("@/etc", "</etc/config", "?/etc/config", "?/etc/passwords", "</etc/passwords", "</etc/../etc/config", "?/etc"),
    *("@/", "@.", "?/etc/config/x", ">/etc/config", "</etc/config", "@/data", "</data/in", "plain", "$"),
]


def test_granted_files_are_what_a_directory_of_them_is_under_wasmtime(tree: Path, tmp_path: Path) -> None:
    program = build(
        "look",
        tree,
        *("--file", "etc/config::/etc/config", "--dir", "data::/data", "--env", "A=1", "--env", "B"),
        *("--arg", "--fixed", "--arg", "a b"),
    )
    actual, _ = run(program, *LOOK, env={"B": "2", "C": "3"})
    same = tmp_path / "same"
    same.mkdir()
    (same / "config").write_text("colour = blue\n")
    directories = {"/data": tree / "data", "/etc": same}
    expected = under_wasmtime("look", ["--fixed", "a b", *LOOK], directories, {"A": "1", "B": "2"}, tmp_path)
    assert actual == expected
    assert "| colour = blue" in actual
    assert "| written" in actual
    assert "secret" not in actual
    assert (tree / "etc" / "config").read_text() == "written\n"


def test_a_directory_of_granted_files_does_not_change(tree: Path) -> None:
    program = build("look", tree, "--file", "etc/config::/etc/config:ro")
    said, _ = run(program, ">/etc/config", "-/etc/config", ">/etc/new", "-/etc/passwords", "@/etc", "</etc/config")
    assert said.splitlines() == [
        "write /etc/config: Operation not permitted",
        "remove /etc/config: Operation not permitted",
        "write /etc/new: Operation not permitted",
        "remove /etc/passwords: Operation not permitted",
        "list /etc: done",
        "| ../",
        "| ./",
        "| config",
        "read /etc/config: done",
        "| colour = blue",
    ]


def test_what_is_granted_where_the_program_is_run(tree: Path) -> None:
    program = build("look", tree, "--dir", "data::/data")
    arguments = ["</data/in", "</more/config", "</one/config", "@/one", "$"]
    said, _ = run(program, *arguments, env={"X": "y"})
    assert said.splitlines()[2:] == [
        "read /more/config: No such file or directory",
        "read /one/config: No such file or directory",
        "list /one: No such file or directory",
    ]
    said, _ = run(
        program,
        *arguments,
        env={"X": "y", "WAOT_DIR": "etc::/more:ro", "WAOT_FILE": "etc/config::/one/config", "WAOT_ENV": "X;Z=1"},
    )
    assert said.splitlines() == [
        *("read /data/in: done", "| 1 2 3", "read /more/config: done", "| colour = blue"),
        *("read /one/config: done", "| colour = blue", "list /one: done", "| ../", "| ./", "| config", "X=y", "Z=1"),
    ]
    _, error = run(program, env={"WAOT_DIR": "etc::/data"}, status=1)
    assert error == "waot: cannot open granted directory 'etc': something is granted under that name already\n"


def test_run_takes_grants_and_they_act_at_once(tree: Path) -> None:
    grants = ["--file", "etc/config", "--arg", "<etc/config", "--env", "A=1", "--sealed"]
    done = waot("run", module("look"), *FORMS, *grants, "--", "$", "@etc", cwd=tree)
    listing = ["list etc: done", "| ../", "| ./", "| config"]
    assert done.stdout.splitlines() == ["read etc/config: done", "| colour = blue", "A=1", *listing]


# ----------------------------------------------------------------------------------------------------- sealed, and told


def test_a_sealed_program_heeds_nobody(tree: Path) -> None:
    program = build("look", tree, "--sealed", "--env", "A")
    environment = {"WAOT_DIR": "nonsense::", "WAOT_FILE": ";;", "WAOT_ENV": "X", "WAOT_INHERIT_ENV": "1"}
    said, _ = run(program, "</etc/config", "$", env={"A": "1", "X": "2", **environment})
    assert said == "read /etc/config: No such file or directory\nA=1\n"
    for name in environment:
        assert name.encode() not in program.read_bytes()


def test_a_program_with_the_rights_of_another_heeds_nobody(tree: Path) -> None:
    """Set-user-ID: the kernel says so, and whoever starts it must not lend its rights to a program of his choice."""
    if os.geteuid() != 0:
        pytest.skip("only root can make programs of another user's")
    if os.statvfs(tree).f_flag & os.ST_NOSUID:
        pytest.skip("the file system of the temporary directory does not know set-user-ID")
    program = build("look", tree, "--env", "A")
    (tree / "secret").write_text("secret\n")
    (tree / "secret").chmod(0o600)
    for directory in (tree, *tree.parents):
        if directory.stat().st_mode & 0o005 != 0o005 and str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    environment = {"A": "1", "B": "2", "WAOT_DIR": ".::/", "WAOT_INHERIT_ENV": "1", "WAOT_ENV": "B"}
    command = [str(program), "</secret", "$"]

    def start() -> str:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, user=65534, check=True
        )
        return done.stdout

    program.chmod(0o755)
    assert start().splitlines() == ["read /secret: Permission denied", "A=1", "B=2"]
    program.chmod(0o4755)
    assert start().splitlines() == ["read /secret: No such file or directory", "A=1"]
    environment["WAOT_FORCE_WALK"] = "neither 1 nor 0"
    assert start().splitlines() == ["read /secret: No such file or directory", "A=1"]


GRANTS = [
    *("--dir", "data::/data:ro", "--file", "etc/config::/etc/config", "--env", "LANG=C", "--env", "HOME"),
    *(
        "--inherit-env",
        "--arg",
        "-v",
        "--listen",
        "127.0.0.1:1",
        "--listen",
        "[::1]:1",
        "--deterministic=7",
        "--sealed",
    ),
]
SAID = [
    "granted:",
    "  directory 'data' as '/data', for reading only",
    "  file 'etc/config' as '/etc/config'",
    "  a socket that listens at 127.0.0.1:1",
    "  a socket that listens at [::1]:1",
    "  variable LANG, with the value 'C'",
    "  variable HOME, as where it is run",
    "  the whole environment where it is run",
    "  argument '-v', before those of the command line",
    "  clocks and random numbers that follow from the seed 7",
    "sealed: who runs it cannot grant more",
]


def test_inspect_and_the_program_say_the_same(tree: Path) -> None:
    program = build("look", tree, *GRANTS)
    inspected = waot("inspect", program, cwd=tree).stdout.splitlines()
    said, error = run(program, env={"WAOT_INFO": "1", "WAOT_DIR": "data::/x"})
    lines = said.splitlines()
    assert error == ""
    assert lines[0].startswith("program for ")
    assert lines[1:] == inspected[1 : len(lines)]
    assert inspected[len(lines)] == "system calls allowed:"
    start = lines.index("granted:")
    assert lines[start : start + len(SAID)] == SAID
    assert re.fullmatch(r"from: look-\w+\.wasm, SHA-256 [0-9a-f]{64}", lines[1])
    assert "imports from wasi_snapshot_preview1:" in lines
    grants = json.loads(waot("inspect", "--json", program, cwd=tree).stdout)["manifest"]["grants"]
    assert grants == {
        "dirs": [{"host": "data", "guest": "/data", "read_only": True}],
        "env": [{"name": "LANG", "value": "C"}, {"name": "HOME", "value": None}],
        "inherit_env": True,
        "files": [{"host": "etc/config", "guest": "/etc/config", "read_only": False}],
        "args": ["-v"],
        "listen": [{"address": "127.0.0.1", "port": 1}, {"address": "::1", "port": 1}],
        "seed": 7,
        "sealed": True,
        "overlays": [],
    }


def test_a_program_says_what_was_added_to_its_grants(tree: Path) -> None:
    program = build("look", tree)
    said, _ = run(program, env={"WAOT_INFO": "1", "WAOT_DIR": "data::/x;etc", "WAOT_LISTEN": "127.0.0.1:1"})
    lines = said.splitlines()
    assert "granted: nothing but arguments, standard streams, clocks and random numbers" in lines
    assert lines[-1] == "granted by WAOT_DIR: data::/x;etc"  # it has no use for sockets
    assert not any(line.startswith("sealed") for line in lines)


# -------------------------------------------------------------------------------------------------------------- sockets


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def talk(port: int, message: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


def serve(command: Sequence[str | Path], cwd: Path, **popen: object) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True, **popen)  # type: ignore[call-overload,no-any-return]


def test_an_echo_server(tree: Path) -> None:
    ports = free_ports(3)
    addresses = [f"127.0.0.1:{port}" for port in ports]
    program = build("echo", tree, "--listen", addresses[0], "--listen", addresses[1], "--dir", "data")
    with serve([program], tree, env={"WAOT_LISTEN": addresses[2]}) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "3 sockets from 4 on\n"
        large = bytes(range(256)) * 4000
        for port in ports:
            assert talk(port, b"hello") == b"hello"
            assert talk(port, large) == large
        # Another program of the same addresses has no place.
        _, error = run(program, status=1, cwd=tree)
        assert error == f"waot: cannot listen at '{addresses[0]}': the address is in use\n"
        assert talk(ports[1], b"quit") == b""
        assert server.stdout.read() == "7 connections\n"
        assert server.wait(60) == 0


def test_sockets_that_a_service_manager_hands_over(tree: Path) -> None:
    (port,) = free_ports(1)
    build("echo", tree, "--listen", f"127.0.0.1:{port}")
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        real = int(theirs.getsockname()[1])
        moved = os.dup(theirs.fileno())  # somewhere that the shell can name
        script = f"exec 3<&{moved} {moved}<&-; LISTEN_PID=$$ LISTEN_FDS=1 exec ./echo"
        bash = shutil.which("bash")  # for descriptors of two digits
        if bash is None:
            pytest.skip("bash is not there")
        with serve([bash, "-c", script], tree, pass_fds=[moved], env={}) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == "1 sockets from 3 on\n"
            assert talk(real, b"hello") == b"hello"
            with pytest.raises(ConnectionRefusedError):
                talk(port, b"hello")
            talk(real, b"quit")
            assert server.wait(60) == 0
        # Not for another process, not for what is no socket, and not for a sealed program.
        script = f"exec 3<&{moved}; LISTEN_PID=1 LISTEN_FDS=1 exec ./echo"
        with serve([bash, "-c", script], tree, pass_fds=[moved], env={}) as server:
            assert server.stdout is not None
            server.stdout.readline()
            talk(port, b"quit")
        script = "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec ./echo"
        refused = subprocess.run([bash, "-c", script], cwd=tree, env={}, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert refused.stderr == f"waot: cannot listen at '127.0.0.1:{port}': not a listening socket\n"
        build("echo", tree, "--listen", f"127.0.0.1:{port}", "--sealed")
        script = f"exec 3<&{moved}; LISTEN_PID=$$ LISTEN_FDS=1 exec ./echo"
        with serve([bash, "-c", script], tree, pass_fds=[moved], env={}) as server:
            assert server.stdout is not None
            server.stdout.readline()
            talk(port, b"quit")
        os.close(moved)


# -------------------------------------------------------------------------------------------------------- deterministic


def test_the_world_gives_a_deterministic_program_nothing(tree: Path) -> None:
    program = build("chance", tree, "--deterministic")
    first, _ = run(program)
    assert run(program) == (first, "")
    lines = first.splitlines()
    assert lines[1:3] == ["real 946684800.000001000", "monotonic 0.000002000"]
    assert lines[4:6] == ["real 1262044800.000003000", "monotonic 315360000.000004000"]
    assert lines[9:] == ["resolution 0.000001000", "year 2029"]
    seeded, _ = run(build("chance", tree, "--deterministic=1"))
    assert seeded != first
    assert [line for line in seeded.splitlines() if " " in line] == [line for line in lines if " " in line]


@pytest.mark.slow
def test_a_runtime_that_asks_by_itself_is_deterministic(tree: Path) -> None:
    try:
        wasm = tools.compile_to_wasm(HERE / "go" / "chance.go")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    outputs = []
    for seed in (3, 4):
        waot("build", wasm, "-O0", f"--deterministic={seed}", "-o", tree / "chance", cwd=tree)
        first, _ = run(tree / "chance")
        assert run(tree / "chance") == (first, "")
        outputs.append(first.splitlines())
    assert outputs[0][0] != outputs[1][0]
    for lines in outputs:
        assert sorted(map(int, lines[1].split())) == list(range(20))
        assert lines[2:5] == ["0 1h0m0s", "1 2h0m0s", "2 3h0m0s"]
        assert lines[5].startswith("2000-01-01 03:00:00.0000")


# ----------------------------------------------------------------------------------------------- what nobody has to pay

BITS = {
    "directories": 1,
    "files": 2,
    "listen": 4,
    "environment": 8,
    "arguments": 16,
    "deterministic": 32,
    "run time": 64,
}


@pytest.mark.parametrize(
    ("imports", "grants", "expected"),
    [
        (["fd_write", "proc_exit", "args_get", "random_get"], {}, {"run time"}),
        (["fd_write"], {"sealed": True}, set()),
        (["path_open"], {}, {"run time", "directories", "files"}),
        (["fd_prestat_get"], {}, {"run time", "directories", "files"}),
        (["path_open"], {"sealed": True}, set()),
        (["path_open"], {"sealed": True, "dirs": ["."]}, {"directories"}),
        (["path_open"], {"sealed": True, "files": ["x"]}, {"files"}),
        (["fd_write"], {"dirs": ["."]}, {"run time", "directories"}),
        (["sock_accept"], {}, {"run time", "listen"}),
        (["sock_accept"], {"sealed": True}, set()),
        (["sock_recv"], {"sealed": True, "listen": ["127.0.0.1:1"]}, {"listen"}),
        (["environ_get"], {}, {"run time", "environment"}),
        (["environ_sizes_get"], {"sealed": True, "inherit_env": True}, set()),
        (["fd_write"], {"sealed": True, "args": ["x"], "deterministic": True}, {"arguments", "deterministic"}),
    ],
)
def test_a_program_has_what_its_imports_could_use(
    imports: list[str], grants: dict[str, object], expected: set[str]
) -> None:
    parsed = options.BuildOptions.parse(**grants).grants  # type: ignore[arg-type]
    bits = authority(parsed, [("wasi_snapshot_preview1", name) for name in imports])
    assert {name for name, bit in BITS.items() if bits & bit} == expected
    others = authority(parsed, [("env", name) for name in imports])
    assert others == authority(parsed, [])


def test_a_program_without_use_for_grants_does_not_know_of_them(tree: Path) -> None:
    program = build("chance", tree, "--deterministic")
    for name in (b"WAOT_DIR", b"WAOT_FILE", b"WAOT_LISTEN", b"LISTEN_FDS", b"WAOT_FORCE_WALK", b"cannot open"):
        assert name not in program.read_bytes()
    assert b"WAOT_INFO" in program.read_bytes()
    run(program, env={"WAOT_DIR": "nonsense::", "WAOT_LISTEN": "nonsense"}, status=0)


def test_starting_without_grants_takes_no_system_call_for_them(tree: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not there: apt-get install strace")
    calls = {}
    for grants in ([], ["--sealed"]):
        program = build("look", tree, *grants)
        for environment in ({}, {"X": "y"}):
            done = subprocess.run(
                ["strace", "-o", "trace", f"./{program.name}", "x"],
                cwd=tree,
                env=environment,
                check=True,
                capture_output=True,
            )
            assert done.stdout == b"argument x\n"
            names = re.findall(r"^(\w+)\(", (tree / "trace").read_text(), re.MULTILINE)
            calls[bool(grants), bool(environment)] = sorted(names)
    assert len({tuple(names) for names in calls.values()}) == 1, calls
    unexpected = {"openat", "openat2", "open", "socket", "getrandom", "clock_gettime", "read"}
    assert unexpected.isdisjoint(calls[False, False])
