"""The command line as such: what parses, what help says, how errors look. No module is compiled here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import waot as package
from tests.cli.helpers import ROOT, Run, error_line
from waot import cli
from waot.options import EMITS, MEMORY_CHOICES
from waot.targets import load_targets, target_groups
from waot.words import readable_size


@pytest.mark.parametrize(
    "command", [[], ["build"], ["run"], ["validate"], ["inspect"], ["targets"], ["cache"], ["release"]]
)
def test_help_is_for_every_command(waot: Run, command: list[str]) -> None:
    run = waot(*command, "--help", check=True)
    assert run.stdout.startswith(f"Usage: waot {' '.join(command)}".rstrip())
    assert run.stderr == ""
    assert max(map(len, run.stdout.splitlines())) <= 100


def test_help_of_build_names_every_option_and_value(waot: Run) -> None:
    text = waot("build", "--help", check=True).stdout
    for option in (
        *("--output", "--target", "--emit", "-O", "--cpu", "--memory", "--stack-size", "--max-heap", "--jobs"),
        *("--no-cache", "--dir", "--env", "--inherit-env", "--verbose"),
        *("--file", "--arg", "--listen", "--deterministic[=SEED]", "--sealed", "WAOT_DIR"),
    ):
        assert option in text
    assert "|".join(EMITS) in text
    assert "|".join(MEMORY_CHOICES) in text
    assert "Examples:" in text


@pytest.mark.parametrize(
    ("words", "seed"),
    [
        (["--deterministic", "a.wasm"], "0"),
        (["a.wasm", "--deterministic"], "0"),
        (["--deterministic=0x10", "a.wasm"], "0x10"),
        (["--deterministic=", "a.wasm"], ""),
        (["a.wasm"], None),
        (["--arg", "--deterministic", "a.wasm"], None),
        (["--arg=--deterministic=5", "a.wasm", "--deterministic=6"], "6"),
    ],
)
def test_a_seed_stands_behind_an_equals_sign_or_not_at_all(words: list[str], seed: str | None) -> None:
    context = cli.build.make_context("build", words)
    assert (context.params["file"], context.params["deterministic"]) == ("a.wasm", seed)


def test_no_command_shows_help_on_standard_error(waot: Run) -> None:
    run = waot()
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("Usage: waot")


def test_version(waot: Run) -> None:
    run = waot("--version", check=True)
    assert run.stdout.startswith(f"waot {package.__version__} (LLVM ")
    assert "zig 0." in run.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["build"], "Missing argument 'FILE'"),
        (["build", "a.wasm", "b.wasm"], "unexpected extra argument"),
        (["build", "a.wasm", "--frobnicate"], "No such option '--frobnicate'"),
        (["build", "a.wasm", "--listen", "foo"], "'foo' is no address to listen at"),
        (["build", "a.wasm", "--deterministic=x"], "'x' is not a seed"),
        (["build", "a.wasm", "--deterministic", "7"], "unexpected extra argument (7)"),
        (["build", "a.wasm", "--file", "x::/d/"], "'/d/' does not name a file"),
        (["run", "a.wasm", "--dir", "x::/d", "--file", "y::/d/f"], "are both granted"),
        (["build", "a.wasm", "--emit", "elf"], "'elf' is not one of"),
        (["build", "a.wasm", "--memory", "fast"], "'fast' is not one of"),
        (["build", "a.wasm", "--jobs", "many"], "'many' is not a valid integer"),
        (["build", "a.wasm", "--jobs", "0"], "use 1 or more"),
        (["build", "a.wasm", "-O4"], "unknown optimisation level '4'; use one of 0, 1, 2, 3, s, z"),
        (["build", "a.wasm", "--stack-size", "big"], "'big' is not a size"),
        (["build", "a.wasm", "--stack-size", "1"], "out of range"),
        (["build", "a.wasm", "--max-heap", "1"], "a heap of 1 bytes is out of range; use 4MiB or more"),
        (["build", "a.wasm", "--dir", "::x"], "does not grant a directory"),
        (["build", "a.wasm", "--env", "=x"], "does not grant an environment variable"),
        (["build", "a.wasm", "--no-seccomp", "--require-seccomp"], "contradict each other; use one of them"),
        (["build", "a.wasm", "--target", "pdp11"], "unknown target 'pdp11'; known targets: "),
        (["build", "a.wasm", "--cpu", "a b"], "'a b' is not a CPU"),
        (["build", "a.wasm", "--target", "x86_64-linux", "--cpu", "z80"], "unknown CPU 'z80' for target x86_64-linux"),
        (["build", "a.wasm", "--target", "aarch64-linux", "--cpu", "+avx"], "unknown CPU feature 'avx'"),
        (["build", "a.wasm", "-o", ""], "empty name"),
        (["build", "-"], "use -o FILE"),
        (["run", "a.wasm", "--target", "pdp11"], "unknown target 'pdp11'"),
        (["targets", "--cpus", "pdp11"], "unknown target 'pdp11'"),
        (["build", "a.wasm", "--target", "x86_64-linux,,"], "unknown target ''"),
        (["build", "a.wasm", "--target", "linux,amd64-linus"], "did you mean x86_64-linux?"),
        (["build", "a.wasm", "--target", "linus"], "did you mean linux?"),
        (["run", "a.wasm", "--target", "linux"], "'linux' is a group of targets, not one"),
        (["targets", "--cpus", "all"], "'all' is a group of targets, not one"),
        (["build", "a.wasm", "--json", "-o", "-"], "--json and -o - both write to standard output"),
        (["build", "a.wasm", "--oci-name", "x"], "--oci-name is about images; use --emit oci too"),
        (["build", "a.wasm", "--emit", "oci", "--oci-name", "A b"], "'A b' is no name for an image"),
        (["build", "a.wasm", "--emit", "oci", "--oci-name", "a:b c"], "'a:b c' is no name for an image"),
        (["build", "a.wasm", "--emit", "oci", "--oci-user", "root"], "'root' is no user of an image"),
        (["build", "a.wasm", "--emit", "oci", "-o", "{target}.tar"], "an image is one for all targets"),
        (["build", "-", "--emit", "oci", "-o", "a.tar"], "no name for an image follows from ''"),
        (["release", "a.wasm"], "Missing option '--version'"),
        (["release", "a.wasm", "--version", "1/2"], "'1/2' is no version of a release"),
        (["release", "a.wasm", "--version", "1", "--name", "-x"], "'-x' is no name of a release"),
        (["release", "-", "--version", "1"], "no name to release it under; use --name"),
        (["release", "a.wasm", "--version", "1", "--include", "x::../y"], "'x::../y' does not include a file"),
        (["release", "a.wasm", "--version", "1", "--include", "x::/y"], "'x::/y' does not include a file"),
        (["release", "a.wasm", "--version", "1", "--include", "x::y", "--include", "z::Y"], "two files are included"),
        (["release", "a.wasm", "--version", "1", "--include", "x::a"], "and the executable is called 'a'"),
        (
            ["build", "a.wasm", "-o", "out", "--target", "x86_64-linux", "--target", "aarch64-linux"],
            "use -o out/ for a directory, or a name with {target} in it",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(waot: Run, hello: Path, arguments: list[str], message: str) -> None:
    hello.rename(hello.with_name("a.wasm"))
    assert message in error_line(waot(*arguments), status=2)
    assert os.listdir(hello.parent) == ["a.wasm"]


@pytest.mark.parametrize("level", ["0", "1", "2", "3", "s", "z"])
@pytest.mark.parametrize("form", ["-O{}", "-O {}"])
def test_optimisation_flags_parse(level: str, form: str) -> None:
    context = cli.build.make_context("build", ["a.wasm", *form.format(level).split()])
    assert context.params["opt_level"] == level


def test_arguments_of_the_program_stand_after_two_dashes() -> None:
    context = cli.run.make_context("run", ["-O1", "a.wasm", "--dir", ".", "--", "-x", "--dir", "y"])
    assert context.params["arguments"] == ("-x", "--dir", "y")
    assert context.params["dirs"] == (".",)


def test_targets_are_listed(waot: Run) -> None:
    run = waot("targets", check=True)
    assert "x86_64-linux" in run.stdout
    assert "linux-arm64" in run.stdout
    heading, *lines = run.stdout.splitlines()
    assert heading.split()[:5] == ["TARGET", "TIER", "CHECKED", "RUNS", "HERE"]
    for target in load_targets().values():
        [line] = [line.split() for line in lines if line.split()[:1] == [target.name]]
        assert line[1:3] == [str(target.tier), target.checked]
    assert ["all", str(len(target_groups()["all"]))] in [line.split() for line in lines]
    listed = json.loads(waot("targets", "--json", check=True).stdout)
    assert [target["name"] for target in listed] == sorted(target["name"] for target in listed)
    assert {"x86_64-linux", "aarch64-linux"} <= {target["name"] for target in listed}
    [amd64] = [target for target in listed if target["platform"] == "linux/amd64"]
    assert (amd64["name"], amd64["tier"], amd64["checked"]) == ("x86_64-linux", 1, "executed")
    assert amd64["groups"] == ["all", "linux", "tier1"]
    assert "x86-64-v3" in waot("targets", "--cpus", "linux/amd64", check=True).stdout
    assert "avx2" in json.loads(waot("targets", "--cpus", "x86_64-linux", "--json", check=True).stdout)["features"]


def test_cache_info_and_clear(waot: Run, tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    env = {"WAOT_CACHE_DIR": str(directory)}
    (directory / "object" / "ab").mkdir(parents=True)
    (directory / "object" / "ab" / "abcd").write_bytes(b"x" * 2048)
    run = waot("cache", "info", env=env, check=True)
    assert str(directory) in run.stdout
    assert "object: 1, 2.0 KiB" in run.stdout
    assert json.loads(waot("cache", "info", "--json", env=env, check=True).stdout)["entries"] == 1
    waot("cache", "clear", env=env, check=True)
    assert json.loads(waot("cache", "info", "--json", env=env, check=True).stdout)["entries"] == 0


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m waot targets --cpus aarch64-linux --json | true; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stderr == ""
    assert run.stdout.strip() in ("0", "141")


def _call(waot_main: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a command whose body is `waot_main`, in place of `waot targets`."""
    code = f"""
import waot.cli as cli
def body(**values):
    {waot_main}
cli.targets.callback = body
cli.main(["targets"])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    environment.pop("WAOT_DEBUG", None) if "WAOT_DEBUG" not in env else None
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def test_a_bug_is_one_line_that_says_so() -> None:
    run = _call("{}['key']", {})
    assert run.returncode == 1
    assert run.stderr.startswith("waot: error: a bug in waot, please report it: KeyError: 'key'")
    assert run.stderr.count("\n") == 1


def test_a_bug_shows_its_traceback_on_request() -> None:
    run = _call("{}['key']", {"WAOT_DEBUG": "1"})
    assert run.returncode == 1
    assert "Traceback" in run.stderr
    assert run.stderr.splitlines()[-1].startswith("waot: error: a bug in waot")


@pytest.mark.parametrize(
    ("body", "status", "shown"),
    [
        ("raise KeyboardInterrupt", 130, ""),
        ("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", 130, ""),
        ("import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", 143, ""),
        ("raise BrokenPipeError", 141, ""),
        ("raise MemoryError", 1, "waot: error: out of memory; fewer --jobs need less\n"),
    ],
)
def test_how_a_command_ends_that_is_cut_short(body: str, status: int, shown: str) -> None:
    run = _call(body, {})
    assert run.returncode == status
    assert run.stderr == shown


def test_the_api_loads_on_demand() -> None:
    code = "import sys, waot; print([m for m in sys.modules if m.startswith('waot.') or m in ('click', 'ziglang')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "[]"
    assert callable(package.build)
    assert callable(package.validate)
    assert callable(package.inspect)
    assert issubclass(package.UsageError, package.WaotError)
    with pytest.raises(AttributeError):
        package.frobnicate  # noqa: B018


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (14541, "14.2 KiB"),
        (5 << 20, "5.0 MiB"),
        (1 << 41, "2048.0 GiB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert readable_size(size) == text
