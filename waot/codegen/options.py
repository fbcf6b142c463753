"""What LLVM must know to compile a unit. Plain data: this module does not load LLVM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from waot.options import Cpu
from waot.targets import Target

# Processors of x86 without SSSE3, where `i8x16.swizzle` has no single instruction.
_WITHOUT_SSSE3: tuple[str, ...]
_WITHOUT_SSSE3 = ("x86-64", "k8", "opteron", "athlon", "nocona", "pentium", "i386", "i486", "i586", "i686", "amdfam10")
_WITHOUT_SSSE3 += ("generic", "yonah", "prescott", "geode", "lakemont", "c3", "c3-2", "k6", "k6-2", "k6-3")
_WITHOUT_SSSE3 += ("winchip-c6", "winchip2", "barcelona")

#: How much LLVM does at its level. "full": all; "brief": all but what is for loops over arrays and takes longest, for
#: modules of which most is nothing of the kind; "none": no more than to generate code for the unit as it is.
Effort = Literal["full", "brief", "none"]


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


def byte_shuffle(arch: str, options: CodegenOptions) -> str | None:
    """The table look-up of bytes that the CPU is sure to have (see `LoweringOptions.byte_shuffle`)."""
    if arch == "aarch64":
        return None if "-neon" in options.features.split(",") else "neon"
    if arch in ("x86_64", "x86"):
        features = options.features.split(",")
        without = any(f"-{f}" in features for f in ("ssse3", "sse3", "sse2", "sse"))
        old = options.cpu in _WITHOUT_SSSE3 or options.cpu.startswith(("k8-", "opteron-", "athlon-", "pentium"))
        return None if without or (old and "+ssse3" not in features) else "ssse3"
    return None
