"""Variables of which each thread has its own, where LLVM has no form of them for the object format: Darwin's in ELF.

They become what compilers make of them with ``-femulated-tls``, which is how the shim's objects are compiled: `x` is a
descriptor ``__emutls_v.x`` (size, alignment, offset in a thread's block, initial value) and a constant with that value.
runtime-support/os/darwin/threads lays the block out. LLVM's own pass for it is out of llvmlite's reach.

It takes two steps, both on text. Before the passes `with_addresses` has each function take the addresses that it uses
by LLVM's intrinsic for that, whose operand the passes know and do not make part of a constant expression. After them
`with_descriptors` replaces the variables, and the intrinsic: the block is asked for once in a function.
"""

from __future__ import annotations

import re

from waot.errors import CodegenError

_INTRINSIC = "llvm.threadlocal.address.p0"
_BLOCK = "waot_own_variables"
_ADDRESS = f"declare nonnull ptr @{_INTRINSIC}(ptr nonnull)"
_DESCRIPTOR = "{ i64, i64, i64, ptr }"
_OFFSET = 16  # bytes from a descriptor's start to its third field

_VARIABLE = re.compile(
    r"^@([\w.]+) = ((?:[a-z]+ )*?)thread_local\(localexec\) (?:(?:local_)?unnamed_addr )?(?:global|constant) (.*)$",
    re.MULTILINE,
)
_FUNCTION = re.compile(r"^(define [^\n]* \{\n)((?:[\w.$-]+:[^\n]*\n)?)(.*?^\}$)", re.MULTILINE | re.DOTALL)
# A quoted name may hold anything. An element's address is all that lowering makes a constant of.
_OPERAND = re.compile(
    r'"[^"]*"|getelementptr (?:inbounds )?\([^()]*, ptr @(?P<base>[\w.]+), [^()]*\)|(?<=ptr )@(?P<name>[\w.]+)'
)
_TAKEN = re.compile(
    rf"^  (%\S+) = (?:(?:tail|notail) )?call [^@\n]*@{re.escape(_INTRINSIC)}\(ptr [^@\n]*@([\w.]+)\)[^\n]*$",
    re.MULTILINE,
)
_ALIGN = re.compile(r", align (\d+)$")


def has_own(text: str) -> bool:
    """Whether a module has variables of which each thread has its own."""
    return "thread_local(localexec) " in text


def with_addresses(text: str) -> str:
    """The module that lowering made, each address of such a variable taken once at the beginning of a function."""
    names = {match[1] for match in _VARIABLE.finditer(text)}

    def changed(function: re.Match[str]) -> str:
        head, label, body = function.groups()
        taken: dict[str, str] = {}
        lines: list[str] = []

        def take(name: str) -> str:
            if name not in taken:
                taken[name] = f"%waot.own.{len(taken)}"
                lines.append(f"  {taken[name]} = call ptr @{_INTRINSIC}(ptr @{name})\n")
            return taken[name]

        def local(operand: re.Match[str]) -> str:
            name = operand["name"] or operand["base"]
            if name not in names:
                return operand[0]
            if operand["name"]:
                return take(name)
            if operand[0] not in taken:
                base = take(name)
                address = operand[0].replace("(", "", 1).removesuffix(")").replace(f"@{name}", base)
                taken[operand[0]] = f"%waot.own.{len(taken)}"
                lines.append(f"  {taken[operand[0]]} = {address}\n")
            return taken[operand[0]]

        body = _OPERAND.sub(local, body)
        return "".join([head, label, *lines, body])

    return f"{_FUNCTION.sub(changed, text)}\n{_ADDRESS}\n"


def with_descriptors(text: str) -> str:
    """The module after all passes, without the variables.

    Raises CodegenError where one is used in a way that is not known here.
    """
    names = {match[1] for match in _VARIABLE.finditer(text)}

    def changed(function: re.Match[str]) -> str:
        head, label, body = function.groups()
        count = len(_TAKEN.findall(body))
        if not count:
            return function[0]
        numbers = iter(range(count))

        def address(taken: re.Match[str]) -> str:
            result, name = taken.groups()
            number = next(numbers)
            field = f"getelementptr inbounds (i8, ptr @__emutls_v.{name}, i64 {_OFFSET})"
            lines = [] if count > 1 else [f"  %waot.block = call ptr @{_BLOCK}()\n"]
            lines.append(f"  %waot.offset.{number} = load i64, ptr {field}, align 8\n")
            lines.append(f"  {result} = getelementptr i8, ptr %waot.block, i64 %waot.offset.{number}")
            return "".join(lines)

        body = _TAKEN.sub(address, body)
        first = f"  %waot.block = call ptr @{_BLOCK}()\n" if count > 1 else ""
        return "".join([head, label, first, body])

    text = _VARIABLE.sub(_descriptor, _FUNCTION.sub(changed, text))
    left = next((match[0] for match in re.finditer(r'"[^"]*"|@[\w.]+', text) if match[0][1:] in names), None)
    if left is not None:
        raise CodegenError(f"an address of each thread's {left} is taken in a way that is not known (a bug in waot)")
    return f"{text}\ndeclare hidden ptr @{_BLOCK}() nounwind willreturn memory(none)\n"


def _descriptor(variable: re.Match[str]) -> str:
    name, linkage, rest = variable.groups()
    if "external " in linkage:
        return f"@__emutls_v.{name} = {linkage}global {_DESCRIPTOR}"
    aligned = _ALIGN.search(rest)
    align = aligned[1] if aligned else "16"  # no type of ours has more
    type_, initial = _split(rest[: aligned.start()] if aligned else rest)
    zeros = initial in ("zeroinitializer", "null", "0")
    size = f"i64 ptrtoint (ptr getelementptr ({type_}, ptr null, i64 1) to i64)"
    fields = f"{size}, i64 {align}, i64 0, ptr {'null' if zeros else f'@__emutls_t.{name}'}"
    own = f'@__emutls_v.{name} = {linkage}global {_DESCRIPTOR} {{ {fields} }}, section ".data.__emutls_v", align 8'
    return own if zeros else f"{own}\n@__emutls_t.{name} = internal constant {type_} {initial}, align {align}"


def _split(text: str) -> tuple[str, str]:
    """A type and what follows it."""
    depth = 0
    for at, character in enumerate(text):
        depth += character in "[{<("
        depth -= character in "]}>)"
        if character == " " and depth == 0:
            return text[:at], text[at + 1 :]
    raise CodegenError(f"a variable of each thread has no value: {text} (a bug in waot)")
