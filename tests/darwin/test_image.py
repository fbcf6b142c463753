"""Mach-O images as macOS wants them, read by others than who wrote them: lief, hashlib, and Apple's list of symbols."""

from __future__ import annotations

import functools
import hashlib
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import lief
import pytest
import wasmtime
import ziglang

import waot
from tests import tools
from waot.errors import ToolError, UsageError
from waot.linker import ExecutableInfo
from waot.linker.fat import Slice, join, spans
from waot.linker.inspect import inspect_executable
from waot.targets import find_target

NAMES = ("x86_64-macos", "aarch64-macos")
UNIVERSAL = "universal-macos"
PAGES = {"x86_64-macos": 4096, "aarch64-macos": 16384}
HELLO = """
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\\10\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))))
"""
each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Hello, by target."""
    directory = tmp_path_factory.mktemp("hello")
    (directory / "hello.wasm").write_bytes(bytes(wasmtime.wat2wasm(HELLO)))
    names = [*NAMES, UNIVERSAL]
    outputs = {result.target: result.output for result in waot.build(directory / "hello.wasm", directory, names)}
    assert list(outputs) == names
    return outputs


@functools.cache
def _parsed(path: Path) -> lief.MachO.FatBinary:
    """Kept: what lief gives of a file is gone with it."""
    fat = lief.MachO.parse(str(path))
    assert fat is not None
    return fat


def parsed(path: Path) -> lief.MachO.Binary:
    fat = _parsed(path)
    assert fat.size == 1
    binary = fat.at(0)
    assert binary is not None
    return binary


# ---------------------------------------------------------------------------------------------------------- structure


@each
def test_it_is_laid_out_as_dyld_wants_it(hello: dict[str, Path], name: str) -> None:
    binary = parsed(hello[name])
    correct, message = lief.MachO.check_layout(binary)
    assert correct, message
    assert binary.header.file_type == lief.MachO.Header.FILE_TYPE.EXECUTE
    assert binary.is_pie
    page = PAGES[name]
    segments = list(binary.segments)
    assert [segment.name for segment in segments] == ["__PAGEZERO", "__TEXT", "__DATA", "__LINKEDIT"]
    zero, text, data, linkedit = segments
    assert (zero.virtual_address, zero.virtual_size, zero.max_protection) == (0, 1 << 32, 0)
    assert (text.file_offset, text.virtual_address) == (0, 1 << 32)
    assert [segment.max_protection for segment in segments[1:]] == [5, 3, 1]
    assert [segment.init_protection for segment in segments[1:]] == [5, 3, 1]
    for before, after in ((text, data), (data, linkedit)):
        assert before.virtual_address + before.virtual_size == after.virtual_address
        assert before.file_offset + before.file_size == after.file_offset
    for segment in segments[1:]:
        assert segment.virtual_address % page == segment.virtual_size % page == segment.file_offset % page == 0
        assert segment.file_size <= segment.virtual_size
    assert linkedit.file_offset + linkedit.file_size == hello[name].stat().st_size
    for section in binary.sections:
        holder = next(segment for segment in segments if segment.name == section.segment_name)
        assert holder.virtual_address <= section.virtual_address
        assert section.virtual_address + section.size <= holder.virtual_address + holder.virtual_size
        if section.offset:
            assert section.offset - holder.file_offset == section.virtual_address - holder.virtual_address
    ends = 32 + binary.header.sizeof_cmds
    assert min(section.offset for section in binary.sections if section.offset) >= ends


@each
def test_it_says_what_the_system_asks_of_a_program(hello: dict[str, Path], name: str) -> None:
    binary = parsed(hello[name])
    assert binary.build_version is not None
    assert binary.build_version.platform == lief.MachO.BuildVersion.PLATFORMS.MACOS
    assert binary.build_version.minos == [11, 0, 0]
    assert binary.dylinker is not None
    assert binary.dylinker.name == "/usr/lib/dyld"
    assert [library.name for library in binary.libraries] == ["/usr/lib/libSystem.B.dylib"]
    assert binary.uuid is not None
    assert any(binary.uuid.uuid)
    text = next(section for section in binary.sections if section.name == "__text")
    assert binary.main_command is not None
    entry = (1 << 32) + binary.main_command.entrypoint
    assert text.virtual_address <= entry < text.virtual_address + text.size


@each
def test_tables_in_linkedit_stand_one_behind_another_in_dylds_order(hello: dict[str, Path], name: str) -> None:
    binary = parsed(hello[name])
    info, symbols, dynamic = binary.dyld_info, binary.symbol_command, binary.dynamic_symbol_command
    assert info is not None
    assert symbols is not None
    assert dynamic is not None
    assert binary.code_signature is not None
    places = [
        info.rebase,
        info.bind,
        (symbols.symbol_offset, 16 * symbols.numberof_symbols),
        (dynamic.indirect_symbol_offset, 4 * dynamic.nb_indirect_symbols),
        (symbols.strings_offset, symbols.strings_size),
        (binary.code_signature.data_offset, binary.code_signature.data_size),
    ]
    at = next(segment.file_offset for segment in binary.segments if segment.name == "__LINKEDIT")
    for offset, size in places:
        if size:
            assert offset == at
            at = offset + size
    assert at == hello[name].stat().st_size
    assert symbols.symbol_offset % 8 == dynamic.indirect_symbol_offset % 4 == 0
    assert (dynamic.nb_local_symbols, dynamic.nb_external_define_symbols) == (0, 0)
    assert dynamic.nb_undefined_symbols == symbols.numberof_symbols == dynamic.nb_indirect_symbols


@functools.cache
def exports(machine: str) -> frozenset[str]:
    """What Apple's libSystem has for a machine, by the list that zig carries (a .tbd: several documents of YAML)."""
    text = (Path(ziglang.__file__).parent / "lib/libc/darwin/libSystem.tbd").read_text()
    names: set[str] = set()
    for targets, symbols in re.findall(r"- targets:\s*\[([^]]*)\]\s*symbols:\s*\[([^]]*)\]", text):
        if f"{machine}-macos" in re.split(r"[\s,]+", targets):
            names.update(part.strip("'") for part in re.split(r"[\s,]+", symbols))
    return frozenset(names)


@each
def test_all_that_is_imported_is_there(hello: dict[str, Path], name: str) -> None:
    """Of every program: what the table of imports names, used here or not."""
    machine = "arm64e" if name == "aarch64-macos" else "x86_64"  # of the libraries that arm64 programs have too
    system = tools.ROOT / "runtime-support/os/darwin"
    words = [*tools.zig(), "cc", "-target", f"{find_target(name).arch}-linux-musl", "-E"]
    words += ["-x", "assembler-with-cpp", str(system / f"{find_target(name).arch}.S")]
    made = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    symbols = {
        words[-1]
        for line in made.replace(";", "\n").splitlines()
        for word in line.split("import ")[1:]
        if len(words := [part.strip() for part in word.split(",")]) == 3
    } - {"symbol"}
    assert len(symbols) > 60
    assert symbols <= exports(machine), sorted(symbols - exports(machine))
    imported = {str(symbol.name) for symbol in parsed(hello[name]).imported_symbols}
    assert imported
    assert imported <= symbols


# ---------------------------------------------------------------------------------------------------------- signature


@dataclass(frozen=True)
class Signature:
    """XNU's cs_blobs.h: the code directory of a signature, and the size of all of it."""

    size: int
    flags: int
    identifier: str
    limit: int
    text: tuple[int, int]
    main: bool
    hashes: list[bytes]


def read_signature(data: bytes) -> Signature:
    magic, size, count, kind, offset = struct.unpack_from(">5I", data)
    assert (magic, count, kind) == (0xFADE0CC0, 1, 0)
    fields = struct.unpack_from(">9I4B", data, offset)
    magic, length, version, flags, hashes, identifier, special, slots, limit, hash_size, hash_kind, _, page = fields
    assert (magic, special, hash_size, hash_kind, page) == (0xFADE0C02, 0, 32, 2, 12)
    assert version >= 0x20400
    assert offset + length == size <= len(data)
    name = data[offset + identifier : data.index(b"\0", offset + identifier)].decode()
    start, text, role = struct.unpack_from(">3Q", data, offset + 64)
    at = offset + hashes
    found = [data[at + 32 * slot : at + 32 * slot + 32] for slot in range(slots)]
    return Signature(size, flags, name, limit, (start, text), role == 1, found)


@each
def test_the_signature_is_of_all_that_stands_before_it(hello: dict[str, Path], name: str) -> None:
    data, binary = hello[name].read_bytes(), parsed(hello[name])
    command = binary.code_signature
    assert command is not None
    assert command.data_offset % 16 == 0
    signature = read_signature(data[command.data_offset :])
    assert signature.limit == command.data_offset
    assert signature.flags == 0x20002  # adhoc, linker-signed
    assert signature.identifier == "hello"
    assert signature.main
    text = binary.get_segment("__TEXT")
    assert text is not None
    assert signature.text == (0, text.file_size)
    signed = data[: signature.limit]
    assert signature.hashes == [hashlib.sha256(signed[at : at + 4096]).digest() for at in range(0, len(signed), 4096)]


@each
def test_an_image_that_was_changed_is_not_executed(hello: dict[str, Path], name: str, tmp_path: Path) -> None:
    runner = tools.runner_or_skip(name)
    data = bytearray(hello[name].read_bytes())
    place = data.index(b"hello\n")
    data[place] ^= 1
    changed = tmp_path / "changed"
    changed.write_bytes(data)
    done = subprocess.run([*runner, str(changed)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (97, b"")
    assert f"page {place // 4096} is not what was signed".encode() in done.stderr


def test_what_is_embedded_is_signed_with_the_rest(tmp_path: Path) -> None:
    """It is a segment of its own, and in a universal file one of each program."""
    (tmp_path / "hello.wasm").write_bytes(bytes(wasmtime.wat2wasm(HELLO)))
    (tmp_path / "tree").mkdir()
    contents = bytes(range(256)) * 300
    (tmp_path / "tree/file").write_bytes(contents)
    targets, embeds = [*NAMES, UNIVERSAL], [f"{tmp_path}/tree::/data"]
    results = waot.build(tmp_path / "hello.wasm", tmp_path, targets, embeds=embeds)
    written = {result.target: result.output.read_bytes() for result in results}
    for name in NAMES:
        path, data = next(result.output for result in results if result.target == name), written[name]
        binary = parsed(path)
        correct, message = lief.MachO.check_layout(binary)
        assert correct, message
        _, text, before, embedded, linkedit = binary.segments
        assert (embedded.name, embedded.max_protection, embedded.init_protection) == ("__EMBED", 1, 1)
        for one, after in ((text, before), (before, embedded), (embedded, linkedit)):
            assert one.virtual_address + one.virtual_size == after.virtual_address
            assert one.file_offset + one.file_size == after.file_offset
        assert embedded.file_size == embedded.virtual_size
        assert embedded.file_size % PAGES[name] == 0
        start, size = embedded.file_offset, embedded.file_size
        assert contents in data[start : start + size]
        assert contents not in data[:start] + data[start + size :]
        command = binary.code_signature
        assert command is not None
        assert command.data_offset + command.data_size == len(data)
        signature = read_signature(data[command.data_offset :])
        signed = data[: command.data_offset]
        assert signature.limit == len(signed)
        assert signature.hashes == [
            hashlib.sha256(signed[at : at + 4096]).digest() for at in range(0, len(signed), 4096)
        ]
        done = subprocess.run([*tools.runner_or_skip(name), str(path)], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"hello\n", b"")
    whole = written[UNIVERSAL]
    assert [whole[at : at + size] for at, size in spans(whole)] == [written[name] for name in NAMES]
    # The same again, from the cache; and other contents of the same size are another program.
    again = waot.build(tmp_path / "hello.wasm", tmp_path, targets, embeds=embeds)
    assert {result.target: result.output.read_bytes() for result in again} == written
    (tmp_path / "tree/file").write_bytes(contents[::-1])
    (other,) = waot.build(tmp_path / "hello.wasm", tmp_path, [NAMES[0]], embeds=embeds)
    assert other.output.stat().st_size == len(written[NAMES[0]])
    assert uuid_of(other.output.read_bytes()) != uuid_of(written[NAMES[0]])


def uuid_of(data: bytes) -> bytes:
    """What LC_UUID says."""
    at = data.index(struct.pack("<2I", 0x1B, 24)) + 8
    return data[at : at + 16]


# ---------------------------------------------------------------------------------------------------------- programs


@each
def test_hello_says_so_and_is_small(hello: dict[str, Path], name: str) -> None:
    assert hello[name].stat().st_size <= {"aarch64-macos": 64 << 10, "x86_64-macos": 32 << 10}[name]
    runner = tools.runner_or_skip(name)
    for path in (hello[name], hello[UNIVERSAL]):
        done = subprocess.run([*runner, str(path)], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"hello\n", b"")


def test_the_same_module_gives_the_same_bytes(hello: dict[str, Path], tmp_path: Path) -> None:
    source = next(iter(hello.values())).with_name("hello.wasm")
    (tmp_path / "hello.wasm").write_bytes(source.read_bytes())
    for result in waot.build(tmp_path / "hello.wasm", tmp_path, [UNIVERSAL, *NAMES], cache=False, jobs=1):
        assert result.output.read_bytes() == hello[result.target].read_bytes()


def test_inspect_reads_images_and_universal_files(hello: dict[str, Path]) -> None:
    def info(name: str) -> ExecutableInfo:
        return inspect_executable(hello[name].read_bytes())

    for name, machine in zip(NAMES, ("x86_64", "aarch64"), strict=True):
        found = info(name)
        assert (found.manifest.target, found.machine) == (name, machine)
        assert found.format == "Mach-O executable, signed ad hoc"
        assert found.manifest.memory == "guarded"
        assert ("wasi_snapshot_preview1", "fd_write") in found.manifest.imports
        assert [segment.access for segment in found.segments] == ["r-x", "rw-", "r--"]
        assert found.size == hello[name].stat().st_size
    whole = info(UNIVERSAL)
    assert (whole.manifest.target, whole.machine) == (UNIVERSAL, "x86_64, aarch64")
    assert whole.format == "universal Mach-O executable, signed ad hoc"
    assert len(whole.sections) == sum(len(info(name).sections) for name in NAMES)


@each
def test_damaged_files_are_refused_or_read(hello: dict[str, Path], name: str) -> None:
    for path in (hello[name], hello[UNIVERSAL]):
        whole = path.read_bytes()
        messages = []
        for place in range(4, 1200, 3):
            for data in (whole[:place], whole[:place] + b"\xff\xff\xff\x7f" + whole[place + 4 :]):
                try:
                    inspect_executable(data)
                except ToolError as error:
                    messages.append(str(error))
        assert len(messages) > 400
        assert not any("\n" in message for message in messages)


# ---------------------------------------------------------------------------------------------------------- universal


def test_a_universal_file_holds_the_programs_for_each_machine(hello: dict[str, Path]) -> None:
    data = hello[UNIVERSAL].read_bytes()
    assert [data[offset : offset + size] for offset, size in spans(data)] == [
        hello[name].read_bytes() for name in NAMES
    ]
    fat = _parsed(hello[UNIVERSAL])
    types = lief.MachO.Header.CPU_TYPE
    assert [binary.header.cpu_type for binary in fat] == [types.X86_64, types.ARM64]
    for binary, name in zip(fat, NAMES, strict=True):
        assert binary.fat_offset % PAGES[name] == 0
        correct, message = lief.MachO.check_layout(binary)
        assert correct, message


def test_a_universal_file_whose_programs_differ_in_what_they_may_is_refused(
    hello: dict[str, Path], tmp_path: Path
) -> None:
    source = hello[NAMES[0]].with_name("hello.wasm")
    [granted] = waot.build(source, tmp_path, [NAMES[0]], dirs=["/tmp::/x"])
    slices = [Slice(granted.output.read_bytes(), 4096), Slice(hello[NAMES[1]].read_bytes(), 16384)]
    with pytest.raises(ToolError, match="say different things of themselves"):
        inspect_executable(join(slices))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpu": "apple-m1"}, "several kinds of CPU, --cpu about one; use --target with each of x86_64-macos, aarch64"),
        ({"emit": "obj"}, "executables joined to one, and --emit obj is not; use --target with each of"),
        ({"memory": "static"}, "universal-macos has no memory strategy 'static'"),
        ({"seccomp": "required"}, "universal-macos has no seccomp, which is Linux's"),
    ],
)
def test_what_a_universal_program_cannot_have_is_refused(
    hello: dict[str, Path], tmp_path: Path, options: dict[str, object], message: str
) -> None:
    source = hello[NAMES[0]].with_name("hello.wasm")
    with pytest.raises(UsageError, match=message):
        waot.build(source, tmp_path, [UNIVERSAL], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_an_object_is_mach_o_with_the_functions_where_code_is(
    hello: dict[str, Path], name: str, tmp_path: Path
) -> None:
    source = hello[NAMES[0]].with_name("hello.wasm")
    [made] = waot.build(source, tmp_path / "hello.o", [name], emit="obj")
    binary = parsed(made.output)
    assert binary.header.file_type == lief.MachO.Header.FILE_TYPE.OBJECT
    section = binary.get_section("__wasm")
    assert section is not None
    assert section.segment_name == "__TEXT"
    assert section.size > 0
    assert int(section.flags) & lief.MachO.Section.FLAGS.PURE_INSTRUCTIONS.value
