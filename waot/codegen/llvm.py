"""The one module that loads LLVM (through llvmlite).

Limits of llvmlite, and how we live with them: inline assembly aborts for any target but the host's, so there is none
in what we compile; linkage is changed value by value because there is no `internalize` pass; options of LLVM's
passes are process-wide, so they are set once, when the process starts.
"""

from __future__ import annotations

import re
from functools import cache

import llvmlite.binding as llvm

from waot.codegen.options import CodegenOptions
from waot.errors import CodegenError

# Each with the reason it is set.
_LLVM_OPTIONS = (
    # Instructions without a location are part of the operator before them; only what LLVM merged from several
    # operators has line 0. Without it every block would begin with a row of line 0: a quarter more of line table.
    "-use-unknown-locations=Disable",
    # Widening 32-bit counters hides the trip count of clang's loops (they count up to zero) from the vectoriser.
    "-indvars-widen-indvars=false",
    # The base of linear memory fits a displacement; hoisted, it costs a register and an index in every address.
    "-disable-constant-hoisting",
    # All of linear memory hangs on one pointer, so GVN finds a candidate in every block; it may look less far (a
    # fifth of the optimiser's time on one unit of CPython, and the same code but for 0.01 %).
    "-memdep-block-number-limit=30",
    "-memdep-block-scan-limit=40",
)


@cache
def _initialize() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    for option in _LLVM_OPTIONS:
        llvm.set_option("waot", option)


def llvm_version() -> str:
    """Version of the LLVM in llvmlite."""
    return ".".join(map(str, llvm.llvm_version_info))


def host_cpu() -> tuple[str, list[str]]:
    """LLVM's name of this machine's CPU and its features, with signs."""
    _initialize()
    features = llvm.get_host_cpu_features()
    return llvm.get_host_cpu_name(), [f"{'+' if on else '-'}{name}" for name, on in sorted(features.items())]


def compile_unit(text: str, runtime: bytes | None, keep: frozenset[str], options: CodegenOptions) -> bytes:
    """Compiles LLVM IR, together with the shim's bitcode `runtime` where given, to an object (or assembly, or IR).

    Of the shim's symbols only those in `keep` stay visible. Raises CodegenError if LLVM refuses the text; errors that
    LLVM calls fatal end the process.
    """
    _initialize()
    target = llvm.Target.from_triple(options.triple)
    speed = int(options.opt_level) if options.opt_level.isdigit() else 2
    # With tail calls the back end allocates registers over whole functions at -O0 too: LLVM's fast allocator reloads
    # from the wrong slots after a call whose callee pops its stack arguments (AArch64; tests/programs/c/tail_calls.c).
    level = max(speed, 1) if " musttail call " in text else speed
    machine = target.create_target_machine(
        cpu=options.cpu, features=options.features, opt=level, reloc="pic", codemodel="small", abiname=options.abi
    )
    try:
        module = llvm.parse_assembly(text)
        if runtime is not None:
            shim = llvm.parse_bitcode(runtime)
            shim_symbols = {v.name for v in (*shim.functions, *shim.global_variables) if not v.is_declaration}
            module.link_in(shim)
            _internalize(module, ({*shim_symbols, "waot_module"}) - keep)
        module.verify()
    except RuntimeError as error:
        raise CodegenError(f"LLVM refused the code that waot made (a bug in waot): {error}") from None
    tuning = llvm.create_pipeline_tuning_options(speed)
    if speed >= 2:
        tuning.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, tuning)
    if runtime is not None:
        # The -O pipelines meet dead functions late; most of the shim is dead in most programs.
        prune = llvm.create_new_module_pass_manager()
        prune.add_global_dead_code_eliminate_pass()
        prune.run(module, builder)
    builder.getModulePassManager().run(module, builder)
    if options.emit == "llvm-ir":
        return str(module).encode()
    if " musttail call " in text and options.triple.startswith("x86_64"):
        module = _with_plain_tail_calls(module)
    if options.emit == "asm":
        return str(machine.emit_assembly(module)).encode()
    return bytes(machine.emit_object(module))


def _with_plain_tail_calls(module: llvm.ModuleRef) -> llvm.ModuleRef:
    """`module`, ready for code generation, with `tail call` for `musttail call`, and nothing else a tail call.

    LLVM 22's x86 back end forgets to store the stack arguments of a `musttail` call in tailcc. A `tail` call in tailcc
    is guaranteed as well and is right, but the optimiser may break it, so the exchange is made after all passes. It is
    made on text because llvmlite cannot change an instruction. tests/operators/cases/control.wat fails without it.
    """
    text = str(module).replace('"disable-tail-calls"="true"', "")
    text = re.sub(r"^(  (?:%\S+ = )?)tail call ", r"\1notail call ", text, flags=re.MULTILINE)
    text = re.sub(r"^(  (?:%\S+ = )?)call ", r"\1notail call ", text, flags=re.MULTILINE)
    return llvm.parse_assembly(text.replace("musttail call ", "tail call "))


def _internalize(module: llvm.ModuleRef, names: set[str]) -> None:
    for value in (*module.functions, *module.global_variables):
        if value.name in names and not value.is_declaration and not value.name.startswith("llvm."):
            value.linkage = "internal"
