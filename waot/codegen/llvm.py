"""IR text -> objects: running clang, out of the `ziglang` wheel, as the optimiser and code generator that it is.

It is called as `clang -cc1`, with nothing of a driver's defaults, one process a unit, which reads the text from its
standard input: what LLVM calls a fatal error ends that process and is an error of the build.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

from waot.codegen.elsewhere import with_definitions, without_definitions
from waot.codegen.frames import with_frames
from waot.codegen.options import CodegenOptions
from waot.errors import CodegenError
from waot.zig import complaint, zig_binary

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
    # Of loops that lowering wants unrolled (rounds.py): how large they may become.
    "-pragma-unroll-threshold=500",
    # Nothing is told about variables, but a pass looks for them in every function that has lines.
    "-experimental-debug-variable-locations=false",
)

# For x86-64.
_X86_OPTIONS = (
    # Clang has made its choice between `select` and a branch; the back end would undo the former in loops.
    "-x86-cmov-converter=false",
    # Sums and the like of few values are made vectors where gathering them costs more.
    "-slp-vectorize-hor=false",
)
# Calls through memory take longer on AMD, and are foreseen less well, than a load and a call of a register; on Intel
# these are as many micro-operations.
_X86_FEATURES = ("+slow-two-mem-ops",)
# And a level of the architecture is tuned for Sandy Bridge, which rotates by SHLD: six micro-operations on AMD, and
# three cycles on Intel since Haswell where ROL takes one.
_X86_LEVEL_FEATURES = ("-fast-shld-rotate",)
# Where a loop lies in lines of the cache is otherwise a matter of what is before it. Functions are at multiples of 64
# bytes, loops without others inside at those of 32.
_FAST_OPTIONS = ("-align-all-functions=6", "-x86-experimental-pref-innermost-loop-alignment=5")

# At -O1, where time counts: what makes code better by little and takes long.
_QUICK_OPTIONS = (
    "-disable-lsr",
    "-disable-machine-cse",
    "-disable-machine-licm",
    "-disable-machine-sink",
    "-enable-misched=false",
)

# With an effort that is brief, beside vectors and unrolled loops: passes that do little for what a compiler has
# optimised before, or find nothing in it.
_NOT_BRIEF = (
    # of loops
    *("loop-deletion", "loop-instsimplify", "loop-simplifycfg", "loop-unroll-full", "loop-distribute"),
    *("loop-load-elim", "loop-sink", "simple-loop-unswitch", "indvars", "inject-tli-mappings"),
    # of what values may be
    *("correlated-propagation", "jump-threading", "sccp", "ipsccp", "speculative-execution", "bdce"),
    # of patterns
    *("aggressive-instcombine", "vector-combine", "mldst-motion", "memcpyopt", "tailcallelim", "float2int"),
    *("libcalls-shrinkwrap", "infer-alignment", "alignment-from-assumptions", "openmp-opt", "openmp-opt-cgscc"),
)
_BRIEF_OPTIONS = (
    *_QUICK_OPTIONS,
    "-enable-pre=false",
    "-grow-region-complexity-budget=1",
    "-instcombine-code-sinking=0",
    "-enable-constraint-elimination=false",
    f"-opt-disable={','.join(_NOT_BRIEF)}",
)

# With the least effort, for x86-64: instructions one by one instead of as a graph, and the back end as at -O0 but for
# the allocation of registers.
_LEAST_OPTIONS = (
    "-fast-isel",
    "-optimize-regalloc",
    "-regalloc=basic",
    # What has tail calls is at -O1, and FastISel forgets which calls are not to be merged, those of traps among them.
    "-enable-tail-merge=false",
)


@cache
def llvm_version() -> str:
    """Version of the LLVM in zig."""
    shown = _run(["--version"], "", "asking for LLVM's version").stdout.decode()
    match = re.search(r"clang version (\S+)", shown)
    return match[1] if match is not None else "of unknown version"


@cache
def host_cpu() -> tuple[str, list[str]]:
    """LLVM's name of this machine's CPU and its features, with signs."""
    for option in ("-march=native", "-mcpu=native"):  # which of them depends on the architecture
        done = _run(["-###", option, "-x", "c", "-c", "-"], "", "asking for this machine's CPU", check=False)
        words = re.findall(r'"([^"]*)"', done.stderr.decode("utf-8", "replace"))
        pairs = list(pairwise(words))
        names = [value for option, value in pairs if option == "-target-cpu"]
        if names and not done.returncode:
            return names[0], sorted((value for option, value in pairs if option == "-target-feature"), key=_unsigned)
    raise CodegenError("LLVM does not know this machine's CPU", hint="name one with --cpu")


def _unsigned(feature: str) -> str:
    return feature[1:]


_FMA = """\
target triple = "{triple}"
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
define <4 x float> @f(<4 x float> %a, <4 x float> %b, <4 x float> %c) {{
  %r = call <4 x float> @llvm.fma.v4f32(<4 x float> %a, <4 x float> %b, <4 x float> %c)
  ret <4 x float> %r
}}
"""


@cache
def has_fma(options: CodegenOptions) -> bool:
    """Whether the CPU multiplies and adds with one rounding: otherwise LLVM calls a function of libm's for it."""
    text = _FMA.format(triple=options.triple)
    return b"fmaf" not in _clang([*_machine(options), "-O1", "-S"], text, "asking about the CPU")[0]


# A branch of LoongArch reaches 128 MiB, and lld extends none there. With the small model of POWER LLVM takes functions
# for ones that may be in another object with a TOC of its own.
_CODE_MODELS = {"loongarch64": "medium", "powerpc64le": "medium"}


def compile_unit(text: str, runtime: Path | None, keep: frozenset[str], options: CodegenOptions) -> bytes:
    """Compiles LLVM IR, together with the shim's bitcode `runtime` where given, to an object (or assembly, or IR).

    Of the shim's symbols only those in `keep` stay visible. Raises CodegenError if LLVM refuses the text or fails.
    """
    arch = options.triple.partition("-")[0]
    speed = int(options.opt_level) if options.opt_level.isdigit() else 2
    # With tail calls the back end allocates registers over whole functions at -O0 too: LLVM's fast allocator reloads
    # from the wrong slots after a call whose callee pops its stack arguments (AArch64; tests/programs/c/tail_calls.c).
    # And the fast one is what can cope with functions of 50,000 calls (lowering/function.py, MOST_CALLS).
    tail_calls, many_calls = " musttail call " in text, '"waot-many-calls"' in text
    level = max(speed, 1) if tail_calls else 0 if many_calls else speed
    machine = _machine(options)
    if options.effort == "least" and arch == "x86_64" and not many_calls:
        speed = level = 1 if tail_calls else 0
        machine += [word for option in _LEAST_OPTIONS for word in ("-mllvm", option)]
    passes = [*machine, f"-O{speed}"]
    if options.effort in ("none", "least"):
        passes.append("-disable-llvm-passes")
    elif options.effort == "brief":
        passes.append("-fno-unroll-loops")
    elif speed >= 2:
        passes += ["-vectorize-loops", "-vectorize-slp"]
    if runtime is not None:
        passes += ["-mlink-builtin-bitcode", str(runtime)]
        text = _keeping(text, keep)
    product = {"obj": "-emit-obj", "asm": "-S", "llvm-ir": "-emit-llvm"}[options.emit]
    changes = _changes(text, arch, "-windows-" in options.triple) if options.emit != "llvm-ir" else []
    if changes or (level != speed and options.emit != "llvm-ir"):
        optimised, _ = _clang([*passes, "-emit-llvm"], text, "optimising")
        text = optimised.decode("utf-8", "surrogateescape")
        for change in changes:
            text = change(text)
        passes = [*machine, f"-O{level}", "-disable-llvm-passes"]
    data, said = _clang([*passes, product], text, "compiling")
    if options.frames:
        return with_frames(data, said)
    return without_definitions(data) if arch == "powerpc64le" and options.emit == "obj" else data


def _machine(options: CodegenOptions) -> list[str]:
    """What says which processor, and how its code is to be."""
    model = _CODE_MODELS.get(options.triple.partition("-")[0], "small")
    flags = ["-triple", options.triple, "-target-cpu", options.cpu, "-mrelocation-model", options.reloc]
    flags.append(f"-mcmodel={model}")
    if options.abi:
        flags += ["-target-abi", options.abi]
    for feature in (*_tuning(options), *filter(None, options.features.split(","))):  # the last one counts
        flags += ["-target-feature", feature]
    if "-apple-" in options.triple:
        # ELF's form of variables that each thread has of its own is none of Darwin's; the linker brackets the sections
        # of the emulated ones (waot/linker/macho.py).
        flags += ["-femulated-tls", "-fdata-sections"]
    for option in _llvm_options(options):
        flags += ["-mllvm", option]
    return flags


def _tuning(options: CodegenOptions) -> tuple[str, ...]:
    """LLVM's features that say what is fast, and nothing of what there is."""
    if not options.triple.startswith("x86_64"):
        return ()
    return _X86_FEATURES + (_X86_LEVEL_FEATURES if options.cpu.startswith("x86-64") else ())


def _llvm_options(options: CodegenOptions) -> list[str]:
    """Those of LLVM's own options that go with `options`."""
    chosen = [*_LLVM_OPTIONS]
    if options.opt_level == "1":
        chosen += _QUICK_OPTIONS
    if options.effort == "brief":
        chosen += _BRIEF_OPTIONS
    if options.triple.startswith("x86_64"):
        chosen += _X86_OPTIONS
        if options.opt_level in ("2", "3") and options.effort == "full":
            chosen += _FAST_OPTIONS
    return chosen


def _keeping(text: str, keep: frozenset[str]) -> str:
    """A module to which LLVM links what it refers to of the shim, and leaves visible what of that is in `keep`.

    Others than those in the list that LLVM calls used become internal. That list is for symbols which assembly refers
    to; ours are referred to by other objects.
    """
    own = frozenset(re.findall(r"^(?:@|(?:define|declare) [^@\n]*@)([\w.$]+)", text, re.MULTILINE))
    declared = "".join(f"declare void @{name}()\n" for name in sorted(keep - own))
    names = ", ".join(f"ptr @{name}" for name in sorted(keep))
    used = f'@llvm.used = appending global [{len(keep)} x ptr] [{names}], section "llvm.metadata"\n' if keep else ""
    return f"{text}\n{declared}{used}"


def _clang(arguments: Sequence[str], text: str, what: str) -> tuple[bytes, bytes]:
    """What ``clang -cc1`` makes of the IR `text`, and what it says."""
    # zig normalises the triple, and says so. Nothing is freed at the end of a process. What is read as text with
    # debug information is verified when it is read.
    always = ["-disable-free", "-disable-llvm-verifier", "-fno-verbose-asm", "-Wno-override-module"]
    done = _run(["-cc1", *arguments, *always, "-x", "ir", "-", "-o", "-"], text, what)
    return done.stdout, done.stderr


def _run(arguments: Sequence[str], text: str, what: str, *, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    try:
        done = subprocess.run(
            [str(zig_binary()), "clang", *arguments],
            input=text.encode("utf-8", "surrogatepass"),
            capture_output=True,
            check=False,
            preexec_fn=_ends_with_its_parent if sys.platform == "linux" else None,
        )
    except OSError as error:
        raise CodegenError(f"{what}: zig cannot be started: {error.strerror}") from None
    if check and done.returncode:
        raise CodegenError(f"{what}: LLVM fails (a bug in waot): {complaint(done.stderr, done.returncode)}")
    return done


# Loaded before there is a child: there, until it is another program, little is safe.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _ends_with_its_parent() -> None:
    """A compiler that nobody waits for would run on for a minute: PR_SET_PDEATHSIG, SIGKILL."""
    assert _LIBC is not None
    _LIBC.prctl(1, 9)


# Back ends without tailcc, and the convention in which they make every `tail call` one where all arguments are in
# registers. x86-64's tailcc is on Windows that of the system, with four of them and vectors by reference.
_PLAIN_TAIL_CALLS = {
    **dict.fromkeys(("riscv64", "riscv32", "s390x", "powerpc64le", "loongarch64"), "fastcc"),
    "x86_64-windows": "x86_64_sysvcc",
}


def _changes(source: str, architecture: str, windows: bool) -> list[Callable[[str], str]]:
    """What has to be done to the unit `source` after all passes, because a back end would get it wrong."""
    plain = _PLAIN_TAIL_CALLS.get(f"{architecture}-windows" if windows else architecture)
    tail_calls = (
        (plain and " tailcc ") or (architecture in ("x86_64", "i686") and " musttail call ") or "\0"
    ) in source
    selects = architecture in ("aarch64", "riscv64", "riscv32", "armv7") and " = fcmp " in source
    changes: list[Callable[[str], str]] = [_with_fenced_selects] if selects else []
    if tail_calls:
        changes.append(partial(_with_plain_tail_calls, convention=plain or "tailcc"))
    if tail_calls and architecture == "powerpc64le":
        changes.append(with_definitions)
    return changes


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
