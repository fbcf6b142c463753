"""From bytes to a `Module`: preamble, sections in order, then the rules of the module as a whole (section 5.5.16)."""

from __future__ import annotations

from typing import Final

from waot.errors import MalformedError
from waot.frontend import hints
from waot.frontend.module import CustomSection, Module
from waot.frontend.names import read_name_section
from waot.frontend.reader import Reader
from waot.frontend.sections import SECTIONS
from waot.frontend.sniff import describe
from waot.frontend.validate import validate_module

MAGIC: Final = b"\0asm"
_VERSION: Final = b"\1\0\0\0"
_ORDER: Final = {section: order for order, section in enumerate(SECTIONS)}


def decode_module(source: bytes, file: str | None = None, features: frozenset[str] | None = None) -> Module:
    """Decodes a module and validates everything but its function bodies (core specification, chapter 5 and 3.4).

    `file` is its name in errors; `features` are the names of the proposals that it may use (`opcodes.PROPOSALS`; None:
    all of them). Raises `MalformedError`, `InvalidError`, or `UnsupportedError` for what proposals add
    that waot cannot compile yet or that `features` leaves out, and beyond `limits`.
    """
    _check_preamble(source, file)
    module = Module(source, file=file, features=None if features is None else features | {"mvp"})
    _read_sections(module)
    _check_counts(module)
    for custom in module.custom_sections:
        if custom.name == "name":
            read_name_section(module, custom.start, custom.end)
            break
    for custom in module.custom_sections:
        if custom.name == hints.SECTION:
            hints.read_branch_hints(module, custom.start, custom.end)
            break
    validate_module(module)
    return module


def _check_preamble(source: bytes, file: str | None) -> None:
    if source[:4] != MAGIC:
        if source and MAGIC.startswith(source):
            raise MalformedError("unexpected end: the file is cut off", file=file, offset=len(source))
        what, hint = describe(source)
        raise MalformedError(f"is not a WebAssembly module: {what}", file=file, offset=0, hint=hint)
    version = source[4:8]
    if version == _VERSION:
        return
    if len(version) < 4:
        raise MalformedError("unexpected end: the file is cut off", file=file, offset=len(source))
    if version[2:] == b"\1\0":  # the layer field of the component model's binary format
        raise MalformedError(
            "is a component, not a core module: unknown binary version",
            file=file,
            offset=4,
            hint="build for wasm32-wasip1 (WASI preview 1), or take the core module out of it with "
            "'wasm-tools component unbundle'",
        )
    number = int.from_bytes(version, "little")
    raise MalformedError(f"unknown binary version {number}; waot knows version 1", file=file, offset=4)


def _read_sections(module: Module) -> None:
    source, file = module.source, module.file
    reader = Reader(source, 8, len(source), file=file)
    last = -1
    while reader.pos < reader.end:
        at = reader.pos
        section = reader.byte()
        if section != 0 and section not in SECTIONS:
            raise reader.malformed(f"malformed section id {section}", at)
        name, read = SECTIONS[section] if section else ("custom", None)
        reader.section = name
        size = reader.u32()
        start = reader.pos
        if size > reader.end - start:
            raise reader.malformed(f"unexpected end: the section has {size} bytes, the file {reader.end - start}", at)
        reader.pos = start + size
        part = Reader(
            source,
            start,
            start + size,
            file=file,
            section=name,
            canonical=module.canonical,
            features=module.features,
        )
        if read is None:
            name = part.name()
            module.custom_sections.append(CustomSection(name, part.pos, part.end))
            module.sections.append((f"custom {name!r}", part.pos, part.end))
        else:
            if _ORDER[section] <= last:
                raise part.malformed("section out of order, or a second one of its kind", at)
            last = _ORDER[section]
            module.sections.append((name, start, part.end))
            read(part, module)
            if part.pos != part.end:
                raise part.malformed(f"section size mismatch: {part.end - part.pos} bytes are left over")
        reader.section = None


def _check_counts(module: Module) -> None:
    """What one section says of another: bodies of functions, number of data segments (5.5.16)."""
    reader = Reader(module.source, len(module.source), len(module.source), file=module.file)
    defined = len(module.funcs) - sum(i.kind == "func" for i in module.imports)
    if defined != len(module.codes):
        raise reader.malformed("function and code section have inconsistent lengths")
    if module.data_count is not None and module.data_count != len(module.datas):
        raise reader.malformed(
            f"data count and data section have inconsistent lengths: {module.data_count} and {len(module.datas)}"
        )
