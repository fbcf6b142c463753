"""Constant expressions: reading them (core specification, 5.4.9) and their validity (3.4.15)."""

from __future__ import annotations

from typing import Any, Final

from waot.frontend.instructions import read_operator
from waot.frontend.module import F32, F64, FUNCREF, I32, I64, V128, ConstExpr, Module, ValType
from waot.frontend.opcodes import BY_NAME
from waot.frontend.reader import Reader

_END: Final = BY_NAME["end"].index
_GLOBAL_GET: Final = BY_NAME["global.get"].index
_REF_NULL: Final = BY_NAME["ref.null"].index
REF_FUNC: Final = BY_NAME["ref.func"].index
_CONST: Final = {
    BY_NAME[name].index: type_
    for name, type_ in (
        ("i32.const", I32),
        ("i64.const", I64),
        ("f32.const", F32),
        ("f64.const", F64),
        ("v128.const", V128),
    )
}
#: The arithmetic that the proposal extended-const makes constant.
ARITHMETIC: Final = {BY_NAME[f"{t}.{name}"].index: t for t in (I32, I64) for name in ("add", "sub", "mul")}
_CONSTANT: Final = frozenset({_GLOBAL_GET, _REF_NULL, REF_FUNC, *_CONST, *ARITHMETIC})


def read_const_expr(reader: Reader) -> ConstExpr:
    """A constant expression up to its `end`, which is read and left out.

    Raises `InvalidError` at the first operator that is not constant: where the expression would end is not looked for.
    """
    code: list[tuple[int, Any, int]] = []
    while True:
        at = reader.pos
        operator, immediate = read_operator(reader)
        if operator.index == _END:
            return tuple(code)
        if operator.index not in _CONSTANT:
            raise reader.invalid(f"constant expression required: '{operator.name}' is not constant", at)
        code.append((operator.index, immediate, at))


def check_const_expr(
    module: Module, reader: Reader, expr: ConstExpr, expected: ValType, visible_globals: int, at: int
) -> None:
    """Checks that `expr` is constant and has type `expected`; `reader` is asked for errors only.

    The first `visible_globals` globals may be read, if immutable: all that come before, as in WebAssembly 3.0.
    `at` is the byte offset for an error about the expression as a whole.
    """
    stack: list[ValType] = []
    for index, immediate, offset in expr:
        if index in _CONST:
            stack.append(_CONST[index])
        elif index == _REF_NULL:
            stack.append(immediate)
        elif index == REF_FUNC:
            if immediate >= len(module.funcs):
                raise reader.invalid(f"unknown function {immediate}", offset)
            stack.append(FUNCREF)
        elif index == _GLOBAL_GET:
            if immediate >= visible_globals:
                raise reader.invalid(f"unknown global {immediate}", offset)
            if module.globals[immediate].mutable:
                raise reader.invalid(f"constant expression required: global {immediate} is mutable", offset)
            stack.append(module.globals[immediate].value)
        else:
            type_ = ARITHMETIC[index]
            if stack[-2:] != [type_, type_]:
                raise reader.invalid(f"type mismatch: expected [{type_} {type_}], found {stack[-2:]}", offset)
            stack.pop()
    if stack != [expected]:
        raise reader.invalid(f"type mismatch: expected [{expected}], found {_show(stack)}", at)


def _show(stack: list[ValType]) -> str:
    if len(stack) > 8:
        return f"{len(stack)} values"
    return f"[{' '.join(map(repr, stack))}]"
