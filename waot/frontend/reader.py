"""Reading values of the binary format: bytes, LEB128 integers, vectors, names (core specification, 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from waot.errors import InvalidError, MalformedError, UnsupportedError, WaotError


class Reader:
    """A position in `source` that never passes `end`, and what an error there should say.

    `pos` and `end` are byte offsets in the file. `function` gives the name of the function that is being read, and is
    only called for an error. `canonical` has the canonical index of every type known so far (`Module.canonical`),
    `features` the proposals that may be used (None: all).
    Every method raises `MalformedError` where the bytes are not what it reads.
    """

    __slots__ = ("canonical", "end", "features", "file", "function", "pos", "section", "source")

    def __init__(
        self,
        source: bytes,
        pos: int,
        end: int,
        *,
        file: str | None = None,
        section: str | None = None,
        function: Callable[[], str] | None = None,
        canonical: Sequence[int] = (),
        features: frozenset[str] | None = None,
    ) -> None:
        self.source = source
        self.pos = pos
        self.end = end
        self.file = file
        self.section = section
        self.function = function
        self.canonical = canonical
        self.features = features

    # ------------------------------------------------------------------ errors

    def _error(self, kind: type[WaotError], what: str, offset: int | None, hint: str | None = None) -> WaotError:
        return kind(
            what,
            file=self.file,
            section=self.section,
            offset=self.pos if offset is None else offset,
            function=self.function() if self.function else None,
            hint=hint,
        )

    def malformed(self, what: str, offset: int | None = None) -> WaotError:
        """A `MalformedError` at `offset`, or at the current position."""
        return self._error(MalformedError, what, offset)

    def invalid(self, what: str, offset: int | None = None) -> WaotError:
        """An `InvalidError` at `offset`, or at the current position."""
        return self._error(InvalidError, what, offset)

    def unsupported(self, what: str, proposal: str, offset: int | None = None) -> WaotError:
        """An `UnsupportedError` for a thing of a proposal that waot has no lowering for."""
        text = f"{what} belongs to the proposal {proposal}, which waot cannot compile yet"
        return self._error(UnsupportedError, text, offset)

    def need(self, proposal: str, what: str, offset: int | None = None) -> None:
        """Raises an `UnsupportedError` for `what` if `features` turns its proposal off."""
        if self.features is not None and proposal not in self.features:
            text = f"{what} belongs to the proposal {proposal}, which --features turns off"
            raise self._error(UnsupportedError, text, offset)

    def too_many(self, what: str, count: int, limit: int, offset: int | None = None) -> WaotError:
        """An `UnsupportedError` for a count beyond one of `limits`."""
        return self._error(UnsupportedError, f"{count} {what}, but waot's limit is {limit}", offset)

    def _ended(self) -> WaotError:
        if self.end >= len(self.source):
            return self.malformed("unexpected end: the file is cut off", self.end)
        unit = "function body" if self.function else "section" if self.section else "part"
        return self.malformed(f"unexpected end: the {unit} ends in the middle of something", self.end)

    # ------------------------------------------------------------------ values

    def byte(self) -> int:
        """One byte."""
        pos = self.pos
        if pos >= self.end:
            raise self._ended()
        self.pos = pos + 1
        return self.source[pos]

    def take(self, size: int) -> bytes:
        """`size` bytes."""
        pos = self.pos
        if size > self.end - pos:
            raise self._ended()
        self.pos = pos + size
        return self.source[pos : pos + size]

    def u32(self) -> int:
        """An unsigned LEB128 integer of at most 32 bits."""
        pos = self.pos
        if pos < self.end:
            byte = self.source[pos]
            if byte < 0x80:
                self.pos = pos + 1
                return byte
        return self._unsigned(32)

    def u64(self) -> int:
        """An unsigned LEB128 integer of at most 64 bits."""
        return self._unsigned(64)

    def s32(self) -> int:
        """A signed LEB128 integer of at most 32 bits."""
        return self._signed(32)

    def s33(self) -> int:
        """A signed LEB128 integer of at most 33 bits (block types, heap types)."""
        return self._signed(33)

    def s64(self) -> int:
        """A signed LEB128 integer of at most 64 bits."""
        return self._signed(64)

    def _unsigned(self, bits: int) -> int:
        source, pos, end = self.source, self.pos, self.end
        result = shift = 0
        while pos < end:
            byte = source[pos]
            if shift + 7 >= bits:  # the last byte allowed; what is above `bits` must be zero
                if byte & 0x80:
                    raise self.malformed("integer representation too long")
                if byte >> (bits - shift):
                    raise self.malformed("integer too large")
            pos += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.pos = pos
                return result
            shift += 7
        raise self._ended()

    def _signed(self, bits: int) -> int:
        source, pos, end = self.source, self.pos, self.end
        result = shift = 0
        while pos < end:
            byte = source[pos]
            if shift + 7 >= bits:  # the last byte allowed; what is above `bits` must repeat the sign
                if byte & 0x80:
                    raise self.malformed("integer representation too long")
                above = byte >> (bits - shift - 1)
                if above not in (0, 0x7F >> (bits - shift - 1)):
                    raise self.malformed("integer too large")
            pos += 1
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                self.pos = pos
                return result - (1 << shift) if byte & 0x40 else result
        raise self._ended()

    def type_index(self) -> int:
        """A type index, as the canonical one. Raises `InvalidError` where there is no such type."""
        at = self.pos
        return self.defined_type(self.u32(), at)

    def defined_type(self, index: int, at: int) -> int:
        """The canonical index of type `index`, which stands at offset `at`."""
        if index >= len(self.canonical):
            raise self.invalid(f"unknown type {index}", at)
        return self.canonical[index]

    def count(self, what: str, limit: int, smallest: int = 1) -> int:
        """The length of a vector of `what`, each at least `smallest` bytes.

        Checked against the bytes that are left before anyone allocates, and against `limit`
        (`UnsupportedError`).
        """
        at = self.pos
        count = self.u32()
        if count * smallest > self.end - self.pos:
            raise self.malformed(f"unexpected end: {count} {what} do not fit into {self.end - self.pos} bytes", at)
        if count > limit:
            raise self.too_many(what, count, limit, at)
        return count

    def name(self) -> str:
        """A name: a vector of bytes that are UTF-8 (section 5.2.4)."""
        at = self.pos
        size = self.u32()
        if size > self.end - self.pos:
            raise self.malformed(f"unexpected end: a name of {size} bytes in {self.end - self.pos} bytes", at)
        start = self.pos
        try:
            text = self.source[start : start + size].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.malformed(f"a name is not UTF-8: {error.reason}", start + error.start) from None
        self.pos = start + size
        return text
