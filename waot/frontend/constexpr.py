"""Constant expressions: reading them (core specification, 5.4.9) and their validity (3.4.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from waot.frontend import limits
from waot.frontend.instructions import read_operator
from waot.frontend.module import (
    ANYREF,
    EXTERNREF,
    F32,
    F64,
    I32,
    I64,
    V128,
    ArrayType,
    ConstExpr,
    Module,
    RefType,
    StructType,
    ValType,
    ref_type,
)
from waot.frontend.opcodes import BY_NAME
from waot.frontend.reader import Reader
from waot.frontend.subtyping import is_defaultable, matches_val

_END: Final = BY_NAME["end"].index
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


def read_const_expr(reader: Reader) -> ConstExpr:
    """A constant expression up to its `end`, which is read and left out.

    Raises `InvalidError` at the first operator that is not constant: where the expression would end is not looked for.
    """
    code: list[tuple[int, Any, int]] = []
    while True:
        at = reader.pos
        operator, immediate = read_operator(reader)
        index = operator.index
        if index == _END:
            return tuple(code)
        if index in ARITHMETIC:
            reader.need("extended-const", f"'{operator.name}' in a constant expression", at)
        elif index not in _CONST and index not in _RULES:
            raise reader.invalid(f"constant expression required: '{operator.name}' is not constant", at)
        code.append((index, immediate, at))


class _Checker:
    """The state of checking one constant expression: its operand stack, and where it is."""

    def __init__(self, module: Module, reader: Reader, visible_globals: int) -> None:
        self.module = module
        self.reader = reader
        self.visible_globals = visible_globals
        self.stack: list[ValType] = []
        self.offset = 0

    def invalid(self, what: str) -> Exception:
        return self.reader.invalid(what, self.offset)

    def pop(self, expected: ValType) -> ValType:
        if not self.stack:
            raise self.invalid(f"type mismatch: expected {expected}, but the stack is empty")
        found = self.stack.pop()
        if not matches_val(self.module, found, expected):
            raise self.invalid(f"type mismatch: expected {expected}, found {found}")
        return found


def _ref_func(c: _Checker, index: int) -> ValType:
    if index >= len(c.module.funcs):
        raise c.invalid(f"unknown function {index}")
    return func_ref(c.module, index)


def func_ref(module: Module, index: int) -> RefType:
    """The type of `ref.func` of function `index`."""
    return ref_type(module.canonical[module.funcs[index]], nullable=False)


def _global_get(c: _Checker, index: int) -> ValType:
    if index >= c.visible_globals:
        raise c.invalid(f"unknown global {index}")
    if c.module.globals[index].mutable:
        raise c.invalid(f"constant expression required: global {index} is mutable")
    return c.module.globals[index].value


def _ref_i31(c: _Checker, immediate: None) -> ValType:
    c.pop(I32)
    return ref_type("i31", nullable=False)


def _any_convert_extern(c: _Checker, immediate: None) -> ValType:
    operand = c.pop(EXTERNREF)
    assert isinstance(operand, RefType)
    return ref_type("any", operand.nullable)


def _extern_convert_any(c: _Checker, immediate: None) -> ValType:
    operand = c.pop(ANYREF)
    assert isinstance(operand, RefType)
    return ref_type("extern", operand.nullable)


def _struct(c: _Checker, index: int) -> StructType:
    type_ = c.module.types[index]
    if not isinstance(type_, StructType):
        raise c.invalid(f"type mismatch: type {index} is not a struct type")
    return type_


def _array(c: _Checker, index: int) -> ArrayType:
    type_ = c.module.types[index]
    if not isinstance(type_, ArrayType):
        raise c.invalid(f"type mismatch: type {index} is not an array type")
    return type_


def _struct_new(c: _Checker, index: int) -> ValType:
    for type_ in reversed(_struct(c, index).values):
        c.pop(type_)
    return ref_type(index, nullable=False)


def _struct_new_default(c: _Checker, index: int) -> ValType:
    if not _struct(c, index).defaultable:
        raise c.invalid(f"type {index} has a field without a default value")
    return ref_type(index, nullable=False)


def _array_new(c: _Checker, index: int) -> ValType:
    c.pop(I32)
    c.pop(_array(c, index).field.value)
    return ref_type(index, nullable=False)


def _array_new_default(c: _Checker, index: int) -> ValType:
    c.pop(I32)
    type_ = _array(c, index)
    if not is_defaultable(type_.field.storage):
        raise c.invalid(f"an element of type {type_.field.storage} has no default value")
    return ref_type(index, nullable=False)


def _array_new_fixed(c: _Checker, immediate: tuple[int, int]) -> ValType:
    index, count = immediate
    value = _array(c, index).field.value
    if count > limits.MAX_ARRAY_OPERANDS:
        raise c.reader.too_many("operands of array.new_fixed", count, limits.MAX_ARRAY_OPERANDS, c.offset)
    for _ in range(count):
        c.pop(value)
    return ref_type(index, nullable=False)


def _ref_null(c: _Checker, type_: RefType) -> ValType:
    return type_


_RULES_BY_NAME: Final[dict[str, Callable[[_Checker, Any], ValType]]] = {
    "global.get": _global_get,
    "ref.null": _ref_null,
    "ref.func": _ref_func,
    "ref.i31": _ref_i31,
    "any.convert_extern": _any_convert_extern,
    "extern.convert_any": _extern_convert_any,
    "struct.new": _struct_new,
    "struct.new_default": _struct_new_default,
    "array.new": _array_new,
    "array.new_default": _array_new_default,
    "array.new_fixed": _array_new_fixed,
}
_RULES: Final = {BY_NAME[name].index: rule for name, rule in _RULES_BY_NAME.items()}


def check_const_expr(
    module: Module, reader: Reader, expr: ConstExpr, expected: ValType, visible_globals: int, at: int
) -> None:
    """Checks that `expr` is constant and has type `expected`; `reader` is asked for errors only.

    The first `visible_globals` globals may be read, if immutable: all that come before, as in WebAssembly 3.0.
    `at` is the byte offset for an error about the expression as a whole.
    """
    c = _Checker(module, reader, visible_globals)
    stack = c.stack
    for index, immediate, c.offset in expr:
        type_ = _CONST.get(index)
        if type_ is None:
            type_ = ARITHMETIC.get(index)
            if type_ is not None:
                c.pop(type_)
                c.pop(type_)
            else:
                type_ = _RULES[index](c, immediate)
        stack.append(type_)
    if len(stack) != 1 or not matches_val(module, stack[0], expected):
        raise reader.invalid(f"type mismatch: expected [{expected}], found {_show(stack)}", at)


def _show(stack: list[ValType]) -> str:
    if len(stack) > 8:
        return f"{len(stack)} values"
    return f"[{' '.join(map(repr, stack))}]"
