"""The one module that loads LLVM (through llvmlite).

Limits of llvmlite, and how we live with them: inline assembly aborts for any target but the host's, so there is none
in what we compile; linkage is changed value by value because there is no `internalize` pass; options of LLVM's
passes are process-wide, so they are set once, when the process starts.
"""

from __future__ import annotations

import re
from functools import cache

import llvmlite.binding as llvm

from waot.codegen.elsewhere import with_definitions, without_definitions
from waot.codegen.frames import with_frames
from waot.codegen.options import CodegenOptions
from waot.errors import CodegenError

# Each with the reason it is set.
_LLVM_OPTIONS = (
    # Instructions without a location are part of the operator before them; only what LLVM merged from several
    # operators has line 0. Without it every block would begin with a row of line 0: a quarter more of line table.
    "-use-unknown-locations=Disable",
    # Widening 32-bit counters hides the trip count of clang's loops (they count up to zero) from the vectoriser.
    "-indvars-widen-indvars=false",
    # For Darwin LLVM makes tables of names for debuggers, and of units that have nothing but lines they fail its own
    # assertion.
    "-accel-tables=Disable",
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


_FMA = """\
target triple = "{triple}"
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
define <4 x float> @f(<4 x float> %a, <4 x float> %b, <4 x float> %c) {{
  %r = call <4 x float> @llvm.fma.v4f32(<4 x float> %a, <4 x float> %b, <4 x float> %c)
  ret <4 x float> %r
}}
"""


def has_fma(options: CodegenOptions) -> bool:
    """Whether the CPU multiplies and adds with one rounding: otherwise LLVM calls a function of libm's for it."""
    _initialize()
    target = llvm.Target.from_triple(options.triple)
    machine = target.create_target_machine(cpu=options.cpu, features=options.features, opt=1, codemodel="small")
    return "fmaf" not in machine.emit_assembly(llvm.parse_assembly(_FMA.format(triple=options.triple)))


# A branch of LoongArch reaches 128 MiB, and lld extends none there. With the small model of POWER LLVM takes functions
# for ones that may be in another object with a TOC of its own.
_CODE_MODELS = {"loongarch64": "medium", "powerpc64le": "medium"}


def compile_unit(text: str, runtime: bytes | None, keep: frozenset[str], options: CodegenOptions) -> bytes:
    """Compiles LLVM IR, together with the shim's bitcode `runtime` where given, to an object (or assembly, or IR).

    Of the shim's symbols only those in `keep` stay visible. Raises CodegenError if LLVM refuses the text; errors that
    LLVM calls fatal end the process.
    """
    _initialize()
    target = llvm.Target.from_triple(options.triple)
    arch = options.triple.partition("-")[0]
    speed = int(options.opt_level) if options.opt_level.isdigit() else 2
    # With tail calls the back end allocates registers over whole functions at -O0 too: LLVM's fast allocator reloads
    # from the wrong slots after a call whose callee pops its stack arguments (AArch64; tests/programs/c/tail_calls.c).
    # And the fast one is what can cope with functions of 50,000 calls (lowering/function.py, MOST_CALLS).
    level = max(speed, 1) if " musttail call " in text else 0 if '"waot-many-calls"' in text else speed
    machine = target.create_target_machine(
        cpu=options.cpu,
        features=options.features,
        opt=level,
        reloc=options.reloc,
        codemodel=_CODE_MODELS.get(arch, "small"),
        abiname=options.abi,
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
    module = _for_the_back_end(module, text, arch, "-windows-" in options.triple)
    if options.emit == "asm":
        return str(machine.emit_assembly(module)).encode()
    if options.frames:
        return with_frames(lambda: bytes(machine.emit_object(module)))
    data = bytes(machine.emit_object(module))
    return without_definitions(data) if arch == "powerpc64le" else data


# Back ends without tailcc, and the convention in which they make every `tail call` one where all arguments are in
# registers. x86-64's tailcc is on Windows that of the system, with four of them and vectors by reference.
_PLAIN_TAIL_CALLS = {
    **dict.fromkeys(("riscv64", "riscv32", "s390x", "powerpc64le", "loongarch64"), "fastcc"),
    "x86_64-windows": "x86_64_sysvcc",
}


def _for_the_back_end(module: llvm.ModuleRef, source: str, architecture: str, windows: bool) -> llvm.ModuleRef:
    """`module`, compiled from the text `source`, after all passes, changed where a back end would get it wrong.

    The changes are made on text because llvmlite cannot change an instruction.
    """
    plain = _PLAIN_TAIL_CALLS.get(f"{architecture}-windows" if windows else architecture)
    tail_calls = (
        (plain and " tailcc ") or (architecture in ("x86_64", "i686") and " musttail call ") or "\0"
    ) in source
    selects = architecture in ("aarch64", "riscv64", "riscv32", "armv7") and " = fcmp " in source
    if not tail_calls and not selects:
        return module
    before = text = str(module)
    if selects:
        text = _with_fenced_selects(text)
    if tail_calls:
        text = _with_plain_tail_calls(text, plain or "tailcc")
    if tail_calls and architecture == "powerpc64le":
        text = with_definitions(text)
    return module if text is before else llvm.parse_assembly(text)


def _with_plain_tail_calls(text: str, convention: str) -> str:
    """A module with `tail call` for `musttail call`, and nothing else a tail call; `convention` for tailcc.

    LLVM 22's x86 back end forgets to store the stack arguments of a `musttail` call in tailcc. A `tail` call in tailcc
    is guaranteed as well and is right, but the optimiser may break it, so the exchange is made after all passes.
    tests/operators/cases/control.wat fails without it.

    Some back ends have no tailcc. They make a tail call of every `tail call` in another whose arguments and results are
    all in registers, and the plan sees to that (`parameters_in_memory`); but only tailcc may be verified and optimised
    where caller and callee have different types, so the convention is exchanged here too.
    """
    text = text.replace('"disable-tail-calls"="true"', "")
    text = re.sub(r"^(  (?:%\S+ = )?)tail call ", r"\1notail call ", text, flags=re.MULTILINE)
    text = re.sub(r"^(  (?:%\S+ = )?)call ", r"\1notail call ", text, flags=re.MULTILINE)
    # Only where an instruction begins: a function's name may be anything.
    text = re.sub(r"^(  (?:%\S+ = )?)musttail call ", r"\1tail call ", text, flags=re.MULTILINE)
    if convention != "tailcc":
        text = re.sub(r"^((?:define|declare) [^@]*?)tailcc ", rf"\1{convention} ", text, flags=re.MULTILINE)
        text = re.sub(r"^(  (?:%\S+ = )?[a-z ]*call [a-z ]*?)tailcc ", rf"\1{convention} ", text, flags=re.MULTILINE)
    return text


_SELECT = re.compile(
    r"^(  %\S+ = select (?:[a-z]+ )*(?:i1|<\d+ x i1>) (%[^,\s]+), )(<(\d+) x (?:float|double)>|float|double) (.*)$",
    re.MULTILINE,
)


def _with_fenced_selects(text: str) -> str:
    """A module whose selects of floats do not look like minimum or maximum to instruction selection.

    LLVM 22 makes `x < y ? x : y` with a y that is no NaN the instruction that IEEE 754-2008 calls minNum, though for -0
    and 0 the select's result is y and the instruction's -0; and AArch64's makes a signalling NaN of x a quiet one
    instead of y. A fence on one operand hides the pattern and costs at most a move. It is put here because selects
    are also made of branches by the optimiser. tests/operators fail without it.
    """
    comparisons = frozenset(re.findall(r"^  (%\S+) = fcmp ", text, re.MULTILINE))
    declared: dict[str, str] = {}
    count = 0

    def fenced(match: re.Match[str]) -> str:
        nonlocal count
        head, condition, ir, lanes, rest = match.groups()
        if condition not in comparisons:
            return match[0]
        separator = f", {ir} "
        first, _, second = rest.partition(separator)
        operand = first if first[0] == "%" else re.split(r",| ", second)[0]
        if operand[0] != "%":
            return match[0]
        name = f"%waot.fence.{count}"
        count += 1
        intrinsic = "@llvm.arithmetic.fence." + (f"v{lanes}" if lanes else "") + ("f64" if "double" in ir else "f32")
        declared[intrinsic] = f"declare {ir} {intrinsic}({ir})"
        if first[0] == "%":
            first = name
        else:
            second = name + second[len(operand) :]
        return f"  {name} = call {ir} {intrinsic}({ir} {operand})\n{head}{ir} {first}{separator}{second}"

    changed = _SELECT.sub(fenced, text)
    if not declared:
        return text
    return "\n".join([changed, *(line for name, line in declared.items() if f"{name}(" not in text)])


def _internalize(module: llvm.ModuleRef, names: set[str]) -> None:
    for value in (*module.functions, *module.global_variables):
        if value.name in names and not value.is_declaration and not value.name.startswith("llvm."):
            value.linkage = "internal"
