"""LLVM IR -> objects.

One call compiles one unit, in a process of its own.
"""

from waot.codegen.options import CodegenOptions, Effort, make_codegen_options

__all__ = ["CodegenOptions", "Effort", "make_codegen_options"]
