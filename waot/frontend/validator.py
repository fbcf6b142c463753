"""The state of validating one function body, and one step of it (core specification, sections 3.3 and 5.4.9).

The algorithm is that of the specification's appendix "Validation Algorithm": a stack of operand types and a stack of
control frames. `Validator.step` takes one operator, whatever it is: it reads it by the operator table, checks it by
its signature in the table or by its handler in `rules`, and adds it to the code if it can be reached. `fast` does the
same over the same state for what is common.

Below the operands of each block the operand stack holds None, so that popping too much shows as a wrong type and the
hot loop need not compare heights.

Nothing recurses on nesting, and what a body can make grow is bounded by its size or by `limits`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from waot.errors import WaotError
from waot.frontend import limits
from waot.frontend.instructions import read_operator
from waot.frontend.module import Body, FuncType, Module, RefType, ValType, ref_type
from waot.frontend.opcodes import BY_NAME, OPERATORS
from waot.frontend.reader import Reader
from waot.frontend.subtyping import BOTTOM_HEAP, is_defaultable, matches_ref, matches_result, matches_val
from waot.frontend.types import read_val_type

#: The type of an operand that unreachable code made up (Bot in the appendix).
BOTTOM: Final = ValType("bottom")
#: The same where it is known to be a reference.
BOTTOM_REF: Final = ref_type(BOTTOM_HEAP, nullable=False)

BLOCK: Final = BY_NAME["block"].index
LOOP: Final = BY_NAME["loop"].index
IF: Final = BY_NAME["if"].index
ELSE: Final = BY_NAME["else"].index
END: Final = BY_NAME["end"].index
TRY_TABLE: Final = BY_NAME["try_table"].index
TRY: Final = BY_NAME["try"].index
CATCH: Final = BY_NAME["catch"].index
CATCH_ALL: Final = BY_NAME["catch_all"].index
DELEGATE: Final = BY_NAME["delegate"].index
FUNCTION: Final = -1

# What ends the code that an operator like `br` made unreachable.
_CLOSERS: Final = frozenset({ELSE, END, CATCH, CATCH_ALL, DELEGATE})

# Longer result types that match but are not equal are remembered, so that asking again costs what comparing costs.
_LONG: Final = 16
_MAX_REMEMBERED: Final = 1_000


class Frame:
    """A control frame: an open block, or the function itself.

    `label` has the types that a branch to it takes. `height` is the size of the operand stack at its start, after the
    None. `live` says that the block began in code that can be reached; `unreachable` that the rest of it, up to its
    `else` or `end`, cannot be. Only blocks that catch exceptions have a `catcher`, and only where there are locals
    without a default value is `initialised` set: how many of them were initialised before the block.
    """

    __slots__ = (
        "catcher",
        "has_scope",
        "height",
        "initialised",
        "kind",
        "label",
        "live",
        "params",
        "results",
        "unreachable",
    )
    catcher: Catcher | None
    initialised: int

    def __init__(self, kind: int, type_: FuncType, height: int, live: bool) -> None:
        self.kind = kind
        self.params = type_.params
        self.results = type_.results
        self.label = type_.params if kind == LOOP else type_.results
        self.height = height
        self.live = live
        self.unreachable = False
        self.has_scope = False


class Scope:
    """The locals assigned in a loop, or in the function, and where in the code the loops are that want to know."""

    __slots__ = ("assigned", "loops")

    def __init__(self) -> None:
        self.assigned: set[int] = set()
        self.loops: list[int] = []


class Catcher:
    """What may throw inside of a block that catches exceptions, or of the function.

    `calls` has functions, `types` canonical types of functions called indirectly, `tags` what is thrown (`ANY_TAG` if
    it is not known). `frame` is the index of its frame in `Validator.controls`. Only of a block: `caught` are the tags
    that it surely catches, `catches_all` says that it catches all.
    """

    __slots__ = ("calls", "catches_all", "caught", "frame", "tags", "types")
    caught: set[int]
    catches_all: bool

    def __init__(self, frame: int) -> None:
        self.frame = frame
        self.calls: set[int] = set()
        self.types: set[int] = set()
        self.tags: set[int] = set()

    def let_through(self, outer: Catcher) -> None:
        """Adds what this block does not catch to `outer`. The smaller set goes into the larger: n log n in all."""
        outer.calls = _union(outer.calls, self.calls)
        outer.types = _union(outer.types, self.types)
        self.tags -= self.caught
        outer.tags = _union(outer.tags, self.tags)


def _union(a: set[int], b: set[int]) -> set[int]:
    if len(a) < len(b):
        a, b = b, a
    a |= b
    return a


#: Stands for a tag that is not known: that of `throw_ref` and `rethrow`.
ANY_TAG: Final = -1


class Validator:
    """The state of validating one body."""

    def __init__(self, module: Module, index: int) -> None:
        code = module.codes[index - module.imported_func_count]
        self.module = module
        self.index = index
        self.type = module.func_type(index)
        self.start = code.start
        self.reader = Reader(
            module.source,
            code.start,
            code.end,
            file=module.file,
            section="code",
            function=self._function_name,
            canonical=module.canonical,
            features=module.features,
        )
        # Which locals without a default value are initialised, in the order in which that happened (section 3.4.1);
        # None where there are no such locals.
        self.initialised: dict[int, None] | None = None
        self.declared = self._read_locals()
        self.locals = self.type.params + self.declared
        self.code: list[tuple[int, Any, int]] = []
        self.stack: list[ValType | None] = [None]
        function = Frame(FUNCTION, self.type, 1, True)
        function.params = ()  # they are locals, not operands
        self.controls = [function]
        self.scopes = [Scope()]
        self.operator = OPERATORS[END]
        self.at = code.start
        # Facts about what can be reached.
        self.callees: set[int] = set()
        self.written_tables: set[int] = set()
        self.written_globals: set[int] = set()
        self.grown_memories: set[int] = set()
        self.indirect_types: set[tuple[int, int]] = set()
        self.referred: set[int] = set()  # and of what cannot be
        self.proposals = {"mvp"}
        self.catchers = [Catcher(0)]
        self.calls = self.catchers[0].calls  # that of the innermost catcher; the hot loop adds to it
        self._matching: set[tuple[tuple[ValType, ...], tuple[ValType, ...]]] = set()
        if len(self.type.results) > 1:
            self.proposals.add("multi-value")
        self.tail_calls = False
        self.wide_atomics = False

    def _function_name(self) -> str:
        return self.module.function_name(self.index)

    def _read_locals(self) -> tuple[ValType, ...]:
        """The declared locals (5.4.9), expanded once their number is known to be bearable."""
        reader = self.reader
        groups: list[tuple[int, ValType]] = []
        total = len(self.type.params)
        for _ in range(reader.count("groups of locals", limits.MAX_BODY_BYTES, 2)):
            at = reader.pos
            count = reader.u32()
            total += count
            if total >= 2**32:
                raise reader.malformed("too many locals", at)
            groups.append((count, read_val_type(reader)))
            if count and not is_defaultable(groups[-1][1]):
                self.initialised = {}
        if total > limits.MAX_LOCALS:
            raise reader.too_many("locals", total, limits.MAX_LOCALS)
        if len(groups) == 1:  # no copy: a group of 50,000 takes four bytes, and a module can have a million of them
            count, type_ = groups[0]
            return (type_,) * count
        return tuple([type_ for count, type_ in groups for _ in range(count)])

    # ------------------------------------------------------------------ errors

    def invalid(self, what: str) -> WaotError:
        """An `InvalidError` at the current operator."""
        return self.reader.invalid(f"{self.operator.name}: {what}", self.at)

    def malformed(self, what: str) -> WaotError:
        """A `MalformedError` at the current operator."""
        return self.reader.malformed(f"{self.operator.name}: {what}", self.at)

    # ------------------------------------------------------------------ the operand stack

    def push(self, type_: ValType) -> None:
        self.stack.append(type_)

    def push_all(self, types: tuple[ValType, ...]) -> None:
        self.stack.extend(types)
        if len(self.stack) > limits.MAX_OPERANDS:
            raise self.reader.too_many("operands on the stack", len(self.stack), limits.MAX_OPERANDS, self.at)

    def pop(self, expected: ValType | None = None) -> ValType:
        """Pops an operand, of type `expected` if given; gives what is known of its type."""
        found = self.stack[-1]
        if found is None:
            if self.controls[-1].unreachable:
                return expected or BOTTOM
            wanted = f"expected {expected}" if expected else "expected an operand"
            raise self.invalid(f"type mismatch: {wanted}, but the stack is empty")
        if expected is None or found is expected:
            self.stack.pop()
            return found
        if found is not BOTTOM and not matches_val(self.module, found, expected):
            raise self.invalid(f"type mismatch: expected {expected}, found {found}")
        self.stack.pop()
        return expected if found is BOTTOM else found

    def pop_ref(self, expected: RefType | None = None) -> RefType:
        """Pops a reference, of type `expected` if given; gives what is known of its type."""
        found = self.pop()
        if found is BOTTOM:
            return BOTTOM_REF
        if not isinstance(found, RefType) or (expected is not None and not matches_ref(self.module, found, expected)):
            raise self.invalid(f"type mismatch: expected {expected or 'a reference'}, found {found}")
        return found

    def pop_all(self, types: tuple[ValType, ...]) -> None:
        count = len(types)
        if not count:
            return
        found = tuple(self.stack[-count:])
        if found == types or (count >= _LONG and self.matches(found, types)):
            del self.stack[-count:]
            return
        for type_ in reversed(types):
            self.pop(type_)
            if self.stack[-1] is None and self.controls[-1].unreachable:
                return  # all others are made up

    def matches(self, found: tuple[ValType | None, ...], expected: tuple[ValType, ...]) -> bool:
        """Whether result type `found` is a subtype of `expected`. False where operands are missing or made up."""
        if found == expected:
            return True
        if len(found) != len(expected):
            return False
        known = [type_ for type_ in found if type_ is not None and type_ is not BOTTOM]
        if len(known) != len(found):
            return False
        types = tuple(known)
        if len(types) < _LONG:
            return matches_result(self.module, types, expected)
        if (types, expected) in self._matching:
            return True
        result = matches_result(self.module, types, expected)
        if result:
            if len(self._matching) >= _MAX_REMEMBERED:
                self._matching.clear()
            self._matching.add((types, expected))
        return result

    def expect(self, types: tuple[ValType, ...]) -> None:
        """Checks that `types` are on top of the stack, and leaves them there."""
        stack = self.stack
        count = len(types)
        if not count or self.matches(tuple(stack[-count:]), types):
            return
        at = len(stack)
        for type_ in reversed(types):
            at -= 1
            found = stack[at]
            if found is None:
                if self.controls[-1].unreachable:
                    return
                raise self.invalid(f"type mismatch: expected {type_}, but the stack has too few operands")
            if found is not BOTTOM and not matches_val(self.module, found, type_):
                raise self.invalid(f"type mismatch: expected {type_}, found {found}")

    # ------------------------------------------------------------------ the control stack

    def enter(self, kind: int, type_: FuncType, live: bool) -> None:
        """Opens a block whose parameters are popped already."""
        if len(self.controls) >= limits.MAX_NESTING:
            raise self.reader.too_many("nested blocks", len(self.controls) + 1, limits.MAX_NESTING, self.at)
        stack = self.stack
        stack.append(None)
        frame = Frame(kind, type_, len(stack), live)
        if self.initialised is not None:
            frame.initialised = len(self.initialised)
        self.controls.append(frame)
        self.push_all(type_.params)

    def leave(self) -> Frame:
        """Checks that the innermost block's results, and nothing else, are on the stack, and takes them off."""
        frame = self.controls[-1]
        self.pop_all(frame.results)
        left = len(self.stack) - frame.height
        if left:
            raise self.invalid(f"type mismatch: {left} more operands than the block's results are left on the stack")
        if self.initialised is not None and frame.kind != FUNCTION:
            while len(self.initialised) > frame.initialised:
                self.initialised.popitem()
        return frame

    def set_unreachable(self) -> None:
        frame = self.controls[-1]
        del self.stack[frame.height :]
        frame.unreachable = True

    def label(self, depth: int) -> tuple[ValType, ...]:
        """The types that a branch to the label at `depth` takes."""
        if depth >= len(self.controls):
            raise self.invalid(f"unknown label {depth}")
        return self.controls[-1 - depth].label

    # ------------------------------------------------------------------ one operator

    def step(self, at: int) -> int:
        """Reads and checks the operator at byte offset `at`; gives the offset of the next one."""
        reader = self.reader
        reader.pos = at
        self.at = at
        operator, immediate = read_operator(reader)
        self.operator = operator
        frame = self.controls[-1]
        live = frame.live and (not frame.unreachable or operator.index in _CLOSERS)
        handler = HANDLERS[operator.index]
        if handler is not None:
            immediate = handler(self, immediate, live)
        else:
            assert operator.params is not None
            assert operator.results is not None
            self.pop_all(operator.params)
            self.push_all(operator.results)
        if live:
            self.code.append((operator.index, immediate, at))
            self.proposals.add(operator.proposal)
        return reader.pos

    def step_to_live(self, at: int) -> int:
        """`step`, and on over all that cannot be reached."""
        controls = self.controls
        at = self.step(at)
        while controls and (controls[-1].unreachable or not controls[-1].live):
            at = self.step(at)
        return at

    def finish(self, at: int) -> Body:
        """The body, once its last `end` is read; `at` is what follows it."""
        reader = self.reader
        if at > reader.end:
            raise reader.malformed("unexpected end: the body has no 'end' of its own", reader.end)
        if at < reader.end:
            raise reader.malformed(f"{reader.end - at} bytes follow the end of the body", at)
        return Body(
            self.index,
            self.type,
            self.declared,
            self.code,
            self.start,
            tuple(sorted(self.scopes[0].assigned)),
        )


# A handler gets the state, the immediate as read, and whether the operator can be reached. It gives the immediate as
# `Body` documents it. Operators without one are checked by their signature in the table.
Handler = Callable[[Validator, Any, bool], Any]
HANDLERS: Final[list[Handler | None]] = [None] * len(OPERATORS)


def checks(*names: str) -> Callable[[Handler], Handler]:
    """Registers a handler for the operators of these names."""

    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[BY_NAME[name].index] = handler
        return handler

    return register
