"""Control frames: what the branches of a function go to, and the ways there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waot.frontend.module import FuncType

if TYPE_CHECKING:
    from waot.lowering.dispatch import Dispatch
    from waot.lowering.exceptions import Decision

# A way into a join: (label of the predecessor, locals there, operands there, index of the line with the branch).
Edge = tuple[str, list[str], list[str], int]
# What a phi needs of it: the label and the line.
Way = tuple[str, int]


class Frame:
    """A control frame: block, loop, if, or the function itself."""

    __slots__ = (
        "catch_locals",
        "catches",
        "chooses",
        "clauses",
        "decision",
        "dispatch",
        "edges",
        "else_locals",
        "else_params",
        "exception",
        "handler_edges",
        "handler_label",
        "header_of",
        "height",
        "kind",
        "label",
        "loop_locals",
        "offset",
        "phi_line",
        "phi_names",
        "results",
        "segment",
        "types",
    )

    def __init__(self, kind: str, label: str, t: FuncType, height: int) -> None:
        # "block", "loop", "if", "else", "function", "try_table"; of a legacy try "try", then "catch" or "catch_all"
        self.kind = kind
        self.label = label  # where a branch to this frame goes; for "if" its end
        self.types = t.params if kind == "loop" else t.results  # the operands that a branch carries
        self.results = t.results
        self.height = height  # of the operand stack below the frame's parameters
        self.edges: list[Edge] = []  # ways to `label`, but for the function frame
        self.else_locals: list[str] | None = None  # "if": the state at the beginning, for the else branch
        self.else_params: list[str] = []
        self.offset = 0  # "if": its own
        self.dispatch: Dispatch | None = None  # "loop": what its `br_table` is about, if it begins with one
        self.chooses = False  # "loop": whether a `br_table` inside goes by one of its locals
        self.header_of: Frame | None = None  # "block": a loop out of which branches come back to the block's end
        self.loop_locals: tuple[int, ...] = ()  # "loop", or with `header_of`: locals with a phi in the header
        self.segment = 0  # the same: which of the loop's
        self.phi_line = 0  # the same: index into `out` of the line that the phis are to be in
        self.phi_names: list[str] = []  # the same: their names
        self.handler_label = ""  # try: where exceptions go
        self.handler_edges: list[Edge] = []  # ways there; the operand is the exception
        self.clauses: tuple[tuple[str, int | None, int], ...] = ()  # "try_table"
        self.exception = ""  # "catch", "catch_all": the exception
        self.catch_locals: list[str] | None = None  # the locals at the handler
        self.catches = 0  # "catch": clauses so far
        self.decision: Decision | None = None  # "catch": between the clauses so far
