"""Where the state of an instance is: globals, tables, memories.

An executable has one instance of its module, so everything is an LLVM global of its own: fast, and invisible to alias
analysis of linear memory. A library that may be instantiated many times will get another layout that reaches the
same things through an instance pointer; operator lowerings ask here and never know which.

TBAA keeps the kinds apart where alias analysis cannot see it: linear memory is reached through integers, and in a
module of several units the globals are external.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waot.lowering.types import ir_type

if TYPE_CHECKING:
    from waot.lowering.function import FunctionLowering
    from waot.lowering.unit import UnitLowering

# Numbers of metadata nodes; functions' subprograms follow from FIRST_SUBPROGRAM on. The weights of branches are those
# that LLVM gives to __builtin_expect.
LIKELY = "!24"
UNLIKELY = "!23"
UNROLLED = "!26"
PROFILE_SUMMARY = "!25"  # only in a unit of which there is a profile
TBAA_METADATA = """\
!0 = !{}
!10 = !{!"waot"}
!11 = !{!"linear memory", !10}
!12 = !{!11, !11, i64 0}
!13 = !{!"globals", !10}
!14 = !{!13, !13, i64 0}
!15 = !{!"tables", !10}
!16 = !{!15, !15, i64 0}
!17 = !{!"descriptors", !10}
!18 = !{!17, !17, i64 0}
!19 = !{!"exception", !10}
!20 = !{!19, !19, i64 0}
!21 = !{!"object headers", !10}
!22 = !{!21, !21, i64 0}
!23 = !{!"branch_weights", i32 1, i32 2000}
!24 = !{!"branch_weights", i32 2000, i32 1}
!26 = distinct !{!26, !27}
!27 = !{!"llvm.loop.unroll.enable"}
"""


class InstanceLayout:
    """The layout of an executable."""

    memory_tbaa = "!12"
    global_tbaa = "!14"
    table_tbaa = "!16"
    descriptor_tbaa = "!18"
    exception_tbaa = "!20"
    object_tbaa = "!22"

    def __init__(self, unit: UnitLowering) -> None:
        self.unit = unit

    # ------------------------------------------------------------ memories

    def memory(self, index: int) -> str:
        """The address of the descriptor of memory `index`."""
        return self.unit.state_symbol(f"waot_memory.{index}", "%waot.memory")

    def memory_base(self, f: FunctionLowering, index: int) -> str:
        """The address of byte 0 of memory `index`, which moves only where pointers have 32 bits and it grows.

        One that is shared does not: other threads have its address in registers.
        """
        plan = self.unit.plan.memories[index]
        if plan.base is not None:
            return f"inttoptr (i64 {plan.base} to ptr)"
        moves = self.unit.plan.options.pointer_bits < 64 and plan.grows and not plan.shared
        if moves and self.unit.plan.interface is None:  # a buffer that was given stays where it is
            return f.emit(f"load ptr, ptr {self.memory(index)}, !tbaa {self.descriptor_tbaa}")
        return f.at_entry(f"%memory.{index}", f"load ptr, ptr {self.memory(index)}, !invariant.load !0")

    def memory_bytes(self, f: FunctionLowering, index: int) -> str:
        """The current size of memory `index` in bytes, an integer as wide as a pointer (`Plan.word`)."""
        plan = self.unit.plan.memories[index]
        if not plan.grows:
            return str(plan.bytes)
        word = self.unit.plan.word
        field = f"getelementptr inbounds (%waot.memory, ptr {self.memory(index)}, i32 0, i32 1)"
        if plan.shared:  # another thread may grow it
            order = f"seq_cst, align {self.unit.plan.pointer_bytes}"
            return f.emit(f"load atomic {word}, ptr {field} {order}, !tbaa {self.descriptor_tbaa}")
        return f.emit(f"load {word}, ptr {field}, !tbaa {self.descriptor_tbaa}")

    # ------------------------------------------------------------ exceptions

    def exception(self) -> str:
        """The address of the pending exception, null where there is none."""
        return self.unit.state_symbol("waot_exception", "ptr")

    # ------------------------------------------------------------ globals

    def _global(self, index: int) -> tuple[str, str]:
        t = ir_type(self.unit.module.globals[index].value)
        return self.unit.state_symbol(f"waot_global.{index}", t), t

    def global_load(self, f: FunctionLowering, index: int) -> str:
        """The value of a global that changes."""
        symbol, t = self._global(index)
        return f.emit(f"load {t}, ptr {symbol}, !tbaa {self.global_tbaa}")

    def global_store(self, f: FunctionLowering, index: int, value: str) -> None:
        """Sets a global."""
        symbol, t = self._global(index)
        f.effect(f"store {t} {value}, ptr {symbol}, !tbaa {self.global_tbaa}", value)

    # ------------------------------------------------------------ calls

    def argument(self, slot: int) -> str:
        """The address of an argument for which there is no register."""
        symbol = self.unit.state_symbol("waot_arguments", f"[{self.unit.plan.argument_slots} x i128]")
        return f"getelementptr (i128, ptr {symbol}, i64 {slot})" if slot else symbol

    # ------------------------------------------------------------ tables

    def table(self, index: int) -> str:
        """The address of the descriptor of table `index`."""
        return self.unit.state_symbol(f"waot_table.{index}", "%waot.table")

    def table_elements(self, f: FunctionLowering, index: int) -> str:
        """The address of element 0 of a table that may change."""
        return f.emit(f"load ptr, ptr {self.table(index)}, !tbaa {self.descriptor_tbaa}")

    def table_size(self, f: FunctionLowering, index: int) -> str:
        """The size in elements of a table that may change, an integer as wide as a pointer (`Plan.word`)."""
        field = f"getelementptr inbounds (%waot.table, ptr {self.table(index)}, i32 0, i32 1)"
        return f.emit(f"load {self.unit.plan.word}, ptr {field}, !tbaa {self.descriptor_tbaa}")

    def table_code(self, index: int) -> str:
        """An immutable table's code pointers."""
        size = self.unit.plan.tables[index].size
        return self.unit.state_symbol(f"waot_table.{index}.code", f"[{size} x ptr]", constant=True)

    def table_types(self, index: int) -> str:
        """An immutable table's types as i16, 0 for null, otherwise `type_number`."""
        size = self.unit.plan.tables[index].size
        return self.unit.state_symbol(f"waot_table.{index}.types", f"[{size} x i16]", constant=True)

    def dense_table(self, index: int, type_id: int) -> str:
        """An immutable table's code pointers for calls of one type: whatever is not of that type is a stub."""
        size = self.unit.plan.tables[index].size
        return self.unit.state_symbol(f"waot_table.{index}.type.{type_id}", f"[{size} x ptr]", constant=True)
