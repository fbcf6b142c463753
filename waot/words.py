"""Values in words, for messages and listings."""

from __future__ import annotations


def readable_size(size: int) -> str:
    """Bytes for a person: ``817 bytes``, ``14.2 KiB``."""
    if size < 1024:
        return f"{size} bytes"
    value, unit = size / 1024, "KiB"
    for unit in ("KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.1f} {unit}"


def count_of(count: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """`text` with what could drive a terminal, or is not Unicode, as escapes: names in a module are anybody's."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
