"""LLVM IR -> objects: the only importer of llvmlite.

One call compiles one unit in the calling process, which LLVM may kill; `waot.pipeline` calls it in worker processes.
"""

from waot.codegen.options import CodegenOptions, make_codegen_options

__all__ = ["CodegenOptions", "make_codegen_options"]
