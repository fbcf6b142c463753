"""Loops that a `br_table` inside is about: each round of one of these knows its case.

`for (direction = 0; direction < 8; direction++)` around a `switch (direction)`: unrolled, nothing of the switch is
left. LLVM does so where all of it becomes small, or where it can tell in advance what becomes of it, which it only
tries for loops without others inside. So it is told that these may become larger (llvm.py, -pragma-unroll-threshold).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waot.lowering.layout import UNROLLED

if TYPE_CHECKING:
    from waot.lowering.frame import Frame
    from waot.lowering.function import FunctionLowering

# Frames around a `br_table` that are looked at. Each of its cases has a block around it.
_NEAR = 64
# Lines of a loop, so that what becomes of it is in proportion. Of fewer LLVM makes as much anyway.
_FEWEST_LINES = 20


def note_choice(f: FunctionLowering, index: str) -> None:
    """Notes that a `br_table` chooses by `index`, which may be what a loop around it has in each round."""
    if index.startswith("%x"):
        number = int(index[2:])
        for frame in f.frames[:-_NEAR:-1]:
            names = frame.phi_names
            if frame.kind == "loop" and names and int(names[0][2:]) <= number <= int(names[-1][2:]):
                frame.chooses = True


def unroll(f: FunctionLowering, frame: Frame) -> None:
    """Says so of a loop that has ended, at each branch back. `full` in place of `enable` would set no limit."""
    if frame.chooses and len(f.out) - frame.phi_line >= _FEWEST_LINES:
        for _, _, _, line in frame.edges[1:]:
            f.out[line] += f", !llvm.loop {UNROLLED}"
