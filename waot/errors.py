"""The one hierarchy of errors a user can meet.

Every error says what is wrong, where (file, section, byte offset, function) and, where we know it, what to do.
The command line prints ``str(error)`` as one line; nothing else reaches a user.
"""

from __future__ import annotations


class WaotError(Exception):
    """Base of every error that waot raises for a reason outside its own code.

    ``exit_status`` is what the command line ends with: 1, or 2 for a usage error.
    """

    exit_status = 1

    def __init__(
        self,
        what: str,
        *,
        file: str | None = None,
        section: str | None = None,
        offset: int | None = None,
        function: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.file = file
        self.section = section
        self.offset = offset  # byte offset in the file
        self.function = function
        self.hint = hint

    def __str__(self) -> str:
        where = []
        if self.section:
            where.append(f"{self.section} section")
        if self.function:
            where.append(f"function {self.function}")
        if self.offset is not None:
            where.append(f"offset 0x{self.offset:x}")
        text = f"{self.file}: " if self.file else ""
        text += self.what
        if where:
            text += f" ({', '.join(where)})"
        if self.hint:
            text += f"; {self.hint}"
        return " ".join(text.split())

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross the process pool; keyword-only fields need their own pickling.
        return (_rebuild, (type(self), self.what, self.__dict__))


def _rebuild(kind: type[WaotError], what: str, fields: dict[str, object]) -> WaotError:
    error = kind.__new__(kind)
    Exception.__init__(error, what)
    error.__dict__.update(fields)
    return error


class UsageError(WaotError):
    """An option or argument that cannot be used as given."""

    exit_status = 2


class MalformedError(WaotError):
    """Bytes that are not a WebAssembly module (core specification, chapter 5, binary format)."""


class InvalidError(WaotError):
    """A module that decodes but does not validate (core specification, chapter 3)."""


class UnsupportedError(WaotError):
    """A valid module that needs something waot does not have; names the proposal or the thing."""


class LinkError(WaotError):
    """Imports that cannot be satisfied, or satisfied only with another type."""


class CodegenError(WaotError):
    """LLVM refused a unit, or the worker that compiled it died."""


class ToolError(WaotError):
    """The linker, the C compiler or another part that waot drives failed."""


class CacheError(WaotError):
    """The cache directory cannot be used."""
