"""What bytes that are not WebAssembly look like, for the error about them."""

from __future__ import annotations

from typing import Final

from waot.frontend.wat import is_text

_SIGNATURES: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"\x7fELF", "an ELF file (native program or library)", "give the .wasm file it should have been built as"),
    (b"\x1f\x8b", "gzip data", "unpack it with gunzip"),
    (b"\xfd7zXZ\0", "xz data", "unpack it with unxz"),
    (b"BZh", "bzip2 data", "unpack it with bunzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "unpack it with unzstd"),
    (b"PK\3\4", "a zip archive", "unpack it with unzip"),
    (b"MZ", "a Windows program or library", "give the .wasm file it should have been built as"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O file", "give the .wasm file it should have been built as"),
    (b"\xca\xfe\xba\xbe", "a universal Mach-O or Java class file", "give the .wasm file it should have been built as"),
    (b"BC\xc0\xde", "LLVM bitcode", "link it to a .wasm file first, without -flto or with wasm-ld"),
    (b"!<arch>\n", "an archive of objects (.a)", "link it to a .wasm file first"),
    (b"\xef\xbb\xbf", "text with a byte order mark", "if this is the text format, save it without the mark"),
    (b"#!", "a script", "give the .wasm file"),
    (b"<", "HTML or XML text", "if this was a download, the server sent a page instead of the file"),
    (b"{", "JSON text", "give the .wasm file"),
)


def describe(source: bytes) -> tuple[str, str | None]:
    """(what the bytes look like, what to do or None)."""
    if not source:
        return "the file is empty", None
    if is_text(source):
        return "it is the text format", "convert it with wat2wasm, or install the extra: pip install 'waot[wat]'"
    for signature, what, hint in _SIGNATURES:
        if source.startswith(signature):
            return f"it looks like {what}", hint
    return f"it starts with the bytes {source[:4].hex(' ')}, not 00 61 73 6d", None
