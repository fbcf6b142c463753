"""Module -> LLVM IR text.

The approach. A wasm function becomes one LLVM function in SSA form, built directly while walking its validated
`Body` once: the operand stack holds the *names* of SSA values, so `local.get` and the stack cost no instruction;
where control flow joins (`end`, loop headers) the values that differ meet in phis. Nothing is emitted for code that
cannot be reached.

Two structures carry everything: `FunctionLowering` (function.py), the state of the function at hand with push, pop
and a list of control frames; and `UnitLowering` (unit.py), which knows the module, the plan and how to reach instance
state (`layout.py`). Operators are registered by name with `@lowers("i32.add")` in the modules that unit.py lists;
`plan.py` makes the decisions that need the whole module, among them the split into units (`units.py`); `counted.py`,
`rerolling.py` and `loops.py` find loops with a counter and lower them a second time, with addresses that LLVM can read;
`flow.py` decides what a program that writes a profile counts, and `profiled.py` emits that, or what follows from a
profile; `state.py` emits what is not a function: globals, tables, memory descriptors, with what is done at
instantiation in `instantiate.py` and what others may call in `exports.py`.

What this layer needs to know of the environment: the ABI header's symbols (abi.py), the target's pointer size,
architecture and memory strategy (`LoweringOptions`). It knows nothing of files or processes.
"""

from waot.lowering.c_header import c_header
from waot.lowering.c_interface import c_prefix
from waot.lowering.imports import starts_threads
from waot.lowering.plan import LoweringOptions, Plan, make_plan, never_mapped
from waot.lowering.unit import LoweredUnit, lower_unit, with_triple
from waot.lowering.units import called, function_marks, line_distances, split

__all__ = [
    "LoweredUnit",
    "LoweringOptions",
    "Plan",
    "c_header",
    "c_prefix",
    "called",
    "function_marks",
    "line_distances",
    "lower_unit",
    "make_plan",
    "never_mapped",
    "split",
    "starts_threads",
    "with_triple",
]
