"""The target files: each is read, agrees with LLVM, and answers to its names."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest
import wasmtime

from waot.api import compile_module
from waot.errors import ToolError, UsageError
from waot.options import BuildOptions, Cpu
from waot.progress import Progress
from waot.resources import resource_root, runtime_support_dir, targets_dir
from waot.targets import (
    Target,
    find_target,
    find_targets,
    host_target,
    known_cpus,
    load_targets,
    read_target,
    target_groups,
)
from waot.zig import zig_binary

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "targets").glob("*.toml"))
TARGETS = [read_target(file) for file in FILES]

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
#: One kind of machine, of which LLVM knows.
each_machine = pytest.mark.parametrize(
    "target", [target for target in TARGETS if not target.parts], ids=lambda target: target.name
)


def test_every_file_is_a_target() -> None:
    assert load_targets() == {target.name: target for target in TARGETS}
    assert {"x86_64-linux", "aarch64-linux", "riscv64-linux"} <= set(load_targets())


def test_the_checkout_is_where_resources_come_from() -> None:
    assert resource_root() == ROOT
    assert targets_dir() == ROOT / "targets"


@each_machine
def test_the_data_layout_is_llvms(target: Target) -> None:
    command = [str(zig_binary()), "clang", "-cc1", "-triple", target.triple, "-emit-llvm", "-x", "c", "-", "-o", "-"]
    abi = ["-target-abi", target.cpu_abi] if target.cpu_abi else []
    made = subprocess.run([*command, *abi], input="", capture_output=True, text=True, check=True).stdout
    assert f'target datalayout = "{target.data_layout}"' in made.splitlines()


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
    command = [str(zig_binary()), "clang", "-cc1", "-triple", target.triple, "-target-feature", "+help", "-S"]
    source = "define void @f() {\n  ret void\n}\n"
    run = subprocess.run(
        [*command, "-x", "ir", "-", "-o", "-"], input=source, capture_output=True, text=True, check=True
    )
    names = set(re.findall(r"^  (\S+) +- ", run.stderr, re.M))
    known = known_cpus(target.arch)
    assert known.names <= names
    assert known.features <= names
    assert len(known.names) >= 3


@each_target
def test_memory_strategies(target: Target) -> None:
    assert target.memory_strategy("auto") == target.memory_default
    for name in target.memory_supported:
        assert target.memory_strategy(name) == name


def test_a_memory_strategy_that_a_target_lacks_is_refused() -> None:
    target = dataclasses.replace(TARGETS[0], memory_supported=("checked",), memory_default="checked")
    able = ", ".join(each.name for each in TARGETS if "static" in each.memory_supported)
    with pytest.raises(UsageError, match=f"use auto or one of checked; targets with static: {able}$"):
        target.memory_strategy("static")


def test_a_cpu_of_another_target_is_refused_with_those_that_have_it() -> None:
    with pytest.raises(
        UsageError, match=r"unknown CPU 'x86-64-v3' for target aarch64-linux; targets with it: .*x86_64"
    ):
        find_target("aarch64-linux").check_cpu(Cpu("x86-64-v3"))
    with pytest.raises(UsageError, match=r"unknown CPU feature 'avx2' for target aarch64-linux; targets with it: "):
        find_target("aarch64-linux").check_cpu(Cpu(None, ("+avx2",)))
    with pytest.raises(UsageError, match=r"did you mean x86-64-v3"):
        find_target("x86_64-linux").check_cpu(Cpu("x86_64-v3"))


def test_no_two_targets_or_groups_share_a_name() -> None:
    names = [*target_groups(), "native", "host"]
    for target in TARGETS:
        platform = {target.platform.replace("/", "-")} if target.platform else set()
        names += {name.lower() for name in target.names} | platform
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_groups_are_systems_and_tiers_and_all() -> None:
    groups = target_groups()
    programs = {target for target in TARGETS if target.system != "none"}  # what is without a system is a part of one
    assert set(groups["all"]) == programs
    for target in TARGETS:
        tiers = [name for name, group in groups.items() if name.startswith("tier") and target in group]
        assert tiers == ([f"tier{target.tier}"] if target in programs else [])
        assert target in groups[target.name.partition("-")[2]]
    assert {target.name for target in groups["linux"]} >= {"x86_64-linux", "aarch64-linux", "riscv64-linux"}


def test_groups_follow_from_names_and_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    linux = find_target("x86_64-linux")
    made = [
        linux,
        dataclasses.replace(linux, name="arm64-macos", aliases=(), system="darwin", tier=3),
        dataclasses.replace(linux, name="x86_64-android", aliases=(), system="linux"),
        dataclasses.replace(linux, name="x86_64-none", aliases=(), system="none"),
    ]
    monkeypatch.setattr("waot.targets.load_targets", lambda: {target.name: target for target in made})
    groups = {name: [target.name for target in group] for name, group in target_groups.__wrapped__().items()}
    assert groups == {
        "all": ["x86_64-linux", "arm64-macos", "x86_64-android"],
        "android": ["x86_64-android"],
        "darwin": ["arm64-macos"],
        "linux": ["x86_64-linux"],
        "macos": ["arm64-macos"],
        "none": ["x86_64-none"],
        "tier1": ["x86_64-linux", "x86_64-android"],
        "tier3": ["arm64-macos"],
    }


def test_several_targets_are_each_found_once_in_order() -> None:
    names = [target.name for target in find_targets("x86_64-linux, LINUX ,linux/arm64")]
    assert names[0] == "x86_64-linux"
    assert sorted(names) == sorted(target.name for target in target_groups()["linux"])
    with pytest.raises(UsageError, match="unknown target ''"):
        find_targets("x86_64-linux,")


# https://doc.rust-lang.org/rustc/platform-support.html
RUST = {
    "aarch64-apple-darwin": "aarch64-macos",
    "aarch64-linux-android": "aarch64-android",
    "aarch64-pc-windows-msvc": "aarch64-windows",
    "aarch64-unknown-freebsd": "aarch64-freebsd",
    "aarch64-unknown-linux-gnu": "aarch64-linux",
    "aarch64-unknown-linux-musl": "aarch64-linux",
    "aarch64-unknown-none": "aarch64-none",
    "armv7-unknown-linux-gnueabihf": "armv7-linux",
    "armv7-unknown-linux-musleabihf": "armv7-linux",
    "i686-pc-windows-gnu": "i686-windows",
    "i686-pc-windows-msvc": "i686-windows",
    "i686-unknown-linux-gnu": "i686-linux",
    "i686-unknown-linux-musl": "i686-linux",
    "loongarch64-unknown-linux-gnu": "loongarch64-linux",
    "loongarch64-unknown-linux-musl": "loongarch64-linux",
    "powerpc64le-unknown-linux-gnu": "ppc64le-linux",
    "powerpc64le-unknown-linux-musl": "ppc64le-linux",
    "riscv32gc-unknown-linux-gnu": "riscv32-linux",
    "riscv32imac-unknown-none-elf": "riscv32-none",
    "riscv32imc-unknown-none-elf": "riscv32-none",
    "riscv64gc-unknown-linux-gnu": "riscv64-linux",
    "riscv64gc-unknown-linux-musl": "riscv64-linux",
    "s390x-unknown-linux-gnu": "s390x-linux",
    "s390x-unknown-linux-musl": "s390x-linux",
    "thumbv7em-none-eabihf": "thumbv7em-none",
    "x86_64-apple-darwin": "x86_64-macos",
    "x86_64-linux-android": "x86_64-android",
    "x86_64-pc-windows-gnu": "x86_64-windows",
    "x86_64-pc-windows-msvc": "x86_64-windows",
    "x86_64-unknown-freebsd": "x86_64-freebsd",
    "x86_64-unknown-linux-gnu": "x86_64-linux",
    "x86_64-unknown-linux-musl": "x86_64-linux",
    "x86_64-unknown-none": "x86_64-none",
}
# `docker buildx ls`, and https://github.com/opencontainers/image-spec/blob/main/image-index.md
DOCKER = {
    "linux/386": "i686-linux",
    "linux/amd64": "x86_64-linux",
    "linux/arm/v7": "armv7-linux",
    "linux/arm64": "aarch64-linux",
    "linux/arm64/v8": "aarch64-linux",
    "linux/loong64": "loongarch64-linux",
    "linux/ppc64le": "ppc64le-linux",
    "linux/riscv64": "riscv64-linux",
    "linux/s390x": "s390x-linux",
    "windows/amd64": "x86_64-windows",
    "windows/arm64": "aarch64-windows",
    "darwin/amd64": "x86_64-macos",
    "darwin/arm64": "aarch64-macos",
    "freebsd/amd64": "x86_64-freebsd",
}


@pytest.mark.parametrize(("name", "target"), [*RUST.items(), *DOCKER.items()])
def test_the_names_of_rust_and_docker_are_understood(name: str, target: str) -> None:
    if target in load_targets():
        assert find_target(name).name == target
        assert find_target(name.upper()).name == target
    else:  # none of our targets, so not another one of them either
        with pytest.raises(UsageError, match="unknown target"):
            find_target(name)


@pytest.mark.parametrize("name", ["linux/arm/v6", "linux/arm64/v9", "linux/amd64/v8", "linux-x86_64-v8"])
def test_a_variant_that_is_another_machine_is_none_of_ours(name: str) -> None:
    with pytest.raises(UsageError, match="unknown target"):
        find_target(name)


@each_target
def test_executables_of_windows_alone_have_a_suffix(target: Target) -> None:
    assert target.executable_suffix == (".exe" if target.object_format == "coff" else "")


@each_target
def test_a_platform_is_named_as_containers_name_it(target: Target) -> None:
    assert {name for name, found in DOCKER.items() if found == target.name and name.count("/v8") == 0} <= {
        target.platform
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("x86-64-linux", "x86_64-linux"),
        ("linux_x86_64", "x86_64-linux"),
        ("x64_linux", "x86_64-linux"),
        ("linux-aarch46", "aarch64-linux"),
        ("aarch64", "aarch64-linux"),
        ("riscv-linux", "riscv64-linux"),
        ("linux/riscv", "riscv64-linux"),
        ("x86_64-unknown-linux-uclibc", "x86_64-linux"),
        ("tier-1", "tier1"),
        ("lınux", "linux"),
    ],
)
def test_a_name_that_is_nearly_one_gets_a_suggestion(written: str, meant: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"unknown target {written!r}; did you mean ")) as caught:
        find_targets(written)
    suggested = re.search(r"did you mean (\S+?)(\?| or )", str(caught.value))
    assert suggested is not None
    assert suggested[1] == meant


def test_a_processor_alone_gets_all_its_targets_suggested() -> None:
    with pytest.raises(UsageError) as caught:
        find_target("arm64")
    suggested = re.search(r"did you mean (.+)\?", str(caught.value))
    assert suggested is not None
    expected = {target.name for target in TARGETS if target.name.startswith(("aarch64-", "arm64-"))}
    assert set(suggested[1].split(" or ")) == expected


@each_target
def test_a_target_is_found_by_every_name(target: Target) -> None:
    for name in target.names:
        assert find_target(name) is load_targets()[target.name]
        assert find_target(name.upper()) is load_targets()[target.name]
    if target.arch != "arm":  # for whose unwind tables LLVM is told another system
        assert find_target(target.triple).name == target.name
    assert find_target(target.zig_target).runtime == target.runtime


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
    known = ", ".join(load_targets())
    with pytest.raises(UsageError, match=rf"did you mean x86_64-linux\? known targets: {known}$"):
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


def test_what_a_target_lacks_is_refused_with_those_that_have_it() -> None:
    target = dataclasses.replace(find_target("x86_64-linux"), name="x86_64-none", lacks=("threads", "embed"))
    target.check_has("listen", "--listen is given")
    message = r"target x86_64-none has no embedded directories, and --embed is given; those that do: .*aarch64-linux, "
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
