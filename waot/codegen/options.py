"""What LLVM must know to compile a unit. Plain data: this module does not load LLVM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from waot.options import Cpu
from waot.targets import Target

# Of the processors in targets/cpus, those of x86 without SSSE3, and without SSE4.1.
_WITHOUT_SSSE3 = frozenset(("amdfam10", "athlon-fx", "athlon64", "athlon64-sse3", "barcelona", "k8", "k8-sse3"))
_WITHOUT_SSSE3 |= {"nocona", "opteron", "opteron-sse3", "pentium-m", "pentium4", "pentium4m", "prescott", "x86-64"}
_WITHOUT_SSSE3 |= {"yonah"}
_WITHOUT_SSE41 = _WITHOUT_SSSE3 | {"atom", "bonnell", "btver1", "core2"}

#: How much LLVM does at its level. "full": all; "brief": all but what is for loops over arrays and takes longest, for
#: modules of which most is nothing of the kind; "none": no more than to generate code for the unit as it is; "least":
#: that, as fast as can be without twice as much code (where it makes a difference: x86-64).
Effort = Literal["full", "brief", "none", "least"]


@dataclass(frozen=True, slots=True)
class CodegenOptions:
    """For `compile_unit`."""

    triple: str
    cpu: str
    features: str  # LLVM's form: "+avx2,-sse4.2"
    abi: str  # LLVM's name of the calling convention, "" for the only one
    opt_level: str  # "0" to "3", "s", "z"
    emit: str  # "obj", "asm" or "llvm-ir"
    reloc: str = "pic"  # LLVM's name of the relocation model
    frames: bool = False  # an object is followed by its largest frame's size (frames.py)
    effort: Effort = "full"


def make_codegen_options(target: Target, cpu: Cpu, opt_level: str, emit: str) -> CodegenOptions:
    """Resolves `cpu`, which `target.check_cpu` has accepted."""
    name, features = target.cpu_baseline, [*target.cpu_features]
    if cpu.name == "native":
        from waot.codegen.llvm import host_cpu

        name, features = host_cpu()
    elif cpu.name is not None:
        name = cpu.name
    features += cpu.features
    kind = "obj" if emit in ("exe", "lib") else emit
    # Where pointers in constants need no relocation they can stay in flash memory.
    reloc = "static" if target.freestanding and target.pointer_bits == 32 else "pic"
    frames = target.freestanding and kind == "obj"
    triple = target.link_triple if emit == "exe" else target.triple
    return CodegenOptions(triple, name, ",".join(features), target.cpu_abi, opt_level, kind, reloc, frames)


def vectors(arch: str, options: CodegenOptions) -> str | None:
    """The vector instructions that the CPU is sure to have (see `LoweringOptions.vectors`)."""
    features = options.features.split(",")
    if arch == "aarch64":
        return None if "-neon" in features else "neon"
    if arch not in ("x86_64", "x86"):
        return None
    if any(f"-{f}" in features for f in ("ssse3", "sse3", "sse2", "sse")):
        return None
    if options.cpu in _WITHOUT_SSSE3 and "+ssse3" not in features:
        return None
    without = options.cpu in _WITHOUT_SSE41 and "+sse4.1" not in features
    return "ssse3" if without or "-sse4.1" in features else "sse4.1"
