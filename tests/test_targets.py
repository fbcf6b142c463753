"""The target files: each is read, agrees with LLVM, and answers to its names."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest
import wasmtime

from waot.api import compile_module
from waot.errors import ToolError, UsageError
from waot.options import BuildOptions, Cpu
from waot.progress import Progress
from waot.resources import resource_root, runtime_support_dir, targets_dir
from waot.targets import Target, find_target, host_target, known_cpus, load_targets, read_target

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "targets").glob("*.toml"))
TARGETS = [read_target(file) for file in FILES]

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
#: One kind of machine, of which LLVM knows.
each_machine = pytest.mark.parametrize(
    "target", [target for target in TARGETS if not target.parts], ids=lambda target: target.name
)


@pytest.fixture(scope="module", autouse=True)
def _initialised() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def _machine(target: Target) -> llvm.TargetMachine:
    return llvm.Target.from_triple(target.triple).create_target_machine(cpu=target.cpu_baseline)


def test_every_file_is_a_target() -> None:
    assert load_targets() == {target.name: target for target in TARGETS}
    assert {"x86_64-linux", "aarch64-linux", "riscv64-linux"} <= set(load_targets())


def test_the_checkout_is_where_resources_come_from() -> None:
    assert resource_root() == ROOT
    assert targets_dir() == ROOT / "targets"


@each_machine
def test_the_data_layout_is_llvms(target: Target) -> None:
    assert str(_machine(target).target_data) == target.data_layout


@each_machine
def test_the_baseline_is_a_known_cpu(target: Target) -> None:
    target.check_cpu(Cpu(target.cpu_baseline))


@each_machine
def test_pointers_and_byte_order_are_those_of_the_data_layout(target: Target) -> None:
    assert {"e": "little", "E": "big"}[target.data_layout[0]] == target.endian
    pointer = re.search(r"-p:(\d+)", target.data_layout)
    assert target.pointer_bits == (int(pointer[1]) if pointer else 64)


@each_target
def test_the_system_layer_exists(target: Target) -> None:
    assert (runtime_support_dir() / target.runtime).is_dir()


@each_target
def test_addresses_of_the_static_strategy_are_aligned_to_pages(target: Target) -> None:
    assert target.page_size & (target.page_size - 1) == 0
    if "static" in target.memory_supported:
        assert target.static_base is not None
        assert target.static_text_base is not None
        assert target.static_base % target.page_size == 0
        assert target.static_text_base % target.page_size == 0
        assert target.static_text_base >= target.static_base + (2 << 32)  # all that index + offset can reach


@each_machine
def test_llvm_lists_the_known_cpus_and_features(target: Target) -> None:
    code = f"""
import llvmlite.binding as llvm
llvm.initialize_all_targets(); llvm.initialize_all_asmprinters()
llvm.Target.from_triple({target.triple!r}).create_target_machine(cpu="help")
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    names = set(re.findall(r"^  (\S+) +- ", shown, re.M))
    known = known_cpus(target.arch)
    assert known.names <= names
    assert known.features <= names
    assert len(known.names) > 5


@each_target
def test_memory_strategies(target: Target) -> None:
    assert target.memory_strategy("auto") == target.memory_default
    for name in target.memory_supported:
        assert target.memory_strategy(name) == name


def test_a_memory_strategy_that_a_target_lacks_is_refused() -> None:
    target = dataclasses.replace(TARGETS[0], memory_supported=("checked",), memory_default="checked")
    with pytest.raises(UsageError, match="auto or one of checked"):
        target.memory_strategy("static")


def test_no_two_targets_share_a_name() -> None:
    names = [name.lower() for target in TARGETS for name in target.names]
    assert len(names) == len(set(names))


@each_target
def test_a_target_is_found_by_every_name(target: Target) -> None:
    for name in target.names:
        assert find_target(name) is load_targets()[target.name]
        assert find_target(name.upper()) is load_targets()[target.name]
    assert find_target(target.triple).name == target.name
    assert find_target(target.zig_target).name == target.name


def test_a_universal_target_is_what_is_true_of_its_parts(tmp_path: Path) -> None:
    target = find_target("darwin/universal")
    parts = [find_target("x86_64-macos"), find_target("arm64-macos")]
    assert list(target.parts) == parts
    assert all(set(target.memory_supported) <= set(part.memory_supported) for part in parts)
    assert all(set(part.lacks) <= set(target.lacks) for part in parts)
    text = (ROOT / "targets" / "universal-macos.toml").read_text()
    for name in ("x86_64-macos", "aarch64-macos", "x86_64-linux"):
        (tmp_path / f"{name}.toml").write_bytes((ROOT / "targets" / f"{name}.toml").read_bytes())
    file = tmp_path / "universal-macos.toml"
    for old, new, message in (
        ('"x86_64-macos", "aarch64-macos"', '"x86_64-linux"', "key 'parts'"),
        ('"x86_64-macos", "aarch64-macos"', "", "key 'parts'"),
        ("tier = 1", "tier = 4", "key 'checked' or 'tier'"),
        ("tier = 1", 'tier = 1\narch = "arm"', "unknown key 'arch'"),
        ('name = "universal-macos"', 'name = "fat-macos"', "another name than the file's"),
    ):
        assert old in text
        file.write_text(text.replace(old, new))
        with pytest.raises(ToolError, match=message):
            read_target(file)


def test_names_of_other_tools_are_understood() -> None:
    assert find_target("linux/amd64").name == "x86_64-linux"
    assert find_target("linux/arm64").name == "aarch64-linux"
    assert find_target("linux/riscv64").name == "riscv64-linux"
    assert find_target("x86_64-unknown-linux-gnu").name == "x86_64-linux"


def test_an_unknown_target_is_refused_with_the_nearest_and_all() -> None:
    with pytest.raises(
        UsageError, match=r"did you mean x86_64-linux\?.*aarch64-linux, .*riscv64-linux, .*x86_64-linux"
    ):
        find_target("x86-64-linux")
    with pytest.raises(UsageError, match="known targets"):
        find_target("")


@pytest.mark.parametrize(
    ("machine", "target"),
    [
        ("x86_64", "x86_64-linux"),
        ("aarch64", "aarch64-linux"),
        ("arm64", "aarch64-linux"),
        ("riscv64", "riscv64-linux"),
    ],
)
def test_the_host(monkeypatch: pytest.MonkeyPatch, machine: str, target: str) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert host_target().name == find_target("native").name == target
    assert host_target().is_host()


def test_a_host_that_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with pytest.raises(UsageError, match="give --target"):
        host_target()


def test_unknown_cpus_and_features_are_refused_with_the_nearest() -> None:
    target = find_target("x86_64-linux")
    with pytest.raises(UsageError, match="x86-64-v3"):
        target.check_cpu(Cpu("x86-64-v33"))
    with pytest.raises(UsageError, match=r"feature 'avx22' .*avx2"):
        target.check_cpu(Cpu(None, ("-avx22",)))
    with pytest.raises(UsageError, match="unknown CPU 'pentium4'"):
        target.check_cpu(Cpu("pentium4"))  # a CPU of LLVM's, but 32-bit


def test_native_is_only_for_the_machine_that_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    find_target("x86_64-linux").check_cpu(Cpu("native"))
    with pytest.raises(UsageError, match="this machine's"):
        find_target("aarch64-linux").check_cpu(Cpu("native"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('arch = "x86_64"\n', "", "'arch' is not str"),
        ("pointer_bits = 64", 'pointer_bits = "64"', "'pointer_bits' is not int"),
        ("pointer_bits = 64", "pointer_bits = true", "'pointer_bits' is not int"),
        ('arch = "x86_64"\n', 'arch = "x86_64"\ncolour = "red"\n', "unknown key 'colour'"),
        ('default = "static"', 'default = "fast"', "memory strategies"),
        ('name = "x86_64-linux"', 'name = "other"', "another name"),
        ("[cpu]", "[cpu", "cannot be read"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (ROOT / "targets" / "x86_64-linux.toml").read_text()
    assert old in text
    file = tmp_path / "x86_64-linux.toml"
    file.write_text(text.replace(old, new))
    with pytest.raises(ToolError, match=message) as caught:
        read_target(file)
    assert str(file) in str(caught.value)


def test_zigs_llvm_is_not_newer_than_llvmlites() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "--version"], capture_output=True, text=True, check=True
    )
    version = re.search(r"clang version (\d+)", run.stdout)
    assert version is not None, run.stdout
    assert int(version[1]) <= llvm.llvm_version_info[0]


def test_what_a_target_lacks_is_refused_with_those_that_have_it() -> None:
    target = dataclasses.replace(find_target("x86_64-linux"), name="x86_64-none", lacks=("threads", "embed"))
    target.check_has("listen", "--listen is given")
    message = r"target x86_64-none has no embedded directories, and --embed is given; those that do: aarch64-linux, "
    with pytest.raises(UsageError, match=message):
        target.check_has("embed", "--embed is given")


def test_a_module_that_starts_threads_is_refused_before_it_is_compiled_where_there_are_none() -> None:
    source = bytes(
        wasmtime.wat2wasm(
            """(module (import "wasi" "thread-spawn" (func (param i32) (result i32)))
                 (import "env" "memory" (memory 1 1 shared))
                 (func (export "wasi_thread_start") (param i32 i32)) (func (export "_start")))"""
        )
    )
    target = dataclasses.replace(find_target("x86_64-linux"), name="x86_64-none", lacks=("threads",))
    with pytest.raises(UsageError, match="target x86_64-none has no threads, and the module starts some"):
        compile_module(source, "a.wasm", [target], BuildOptions(cache=False), Progress(display=False))
