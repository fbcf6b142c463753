"""Writes targets/cpus/<arch>.toml: the CPUs and features that LLVM knows and for which it can make our code.

Run it after changing the version of llvmlite: ``python scripts/list_cpus.py``. LLVM's list holds names that end the
process when used (32-bit CPUs for a 64-bit target, ``-sse2`` with floating point), so each is tried, in a process of
its own, on a small function; what LLVM itself prints is the list of candidates.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Not properties of a CPU: another mode or another calling convention.
# What the other 32-bit processors of x86 lack, SSE2, makes floats right; what of Arm's features may be added: not NEON,
# which takes denormal numbers for zero.
WITH_SSE2 = ("pentium-m", "pentium4", "pentium4m", "prescott", "yonah")
ARM_V7 = re.compile(r"generic|swift|krait|kryo|cyclone|(cortex-a|exynos|neoverse).*")
OF_ARM = re.compile(r"hwdiv(-arm)?|mp|crc")
NOT_FEATURES = re.compile(r".*bit-mode|soft-float|32bit|64bit|e|relax|exact-asm|f|d|zicsr|reserve-x.*")

# Prints LLVM's list (which it does once a process, and to the descriptor of standard error).
_HELP = """
import sys, llvmlite.binding as llvm
llvm.initialize_all_targets(); llvm.initialize_all_asmprinters()
llvm.Target.from_triple(sys.argv[1]).create_target_machine(cpu="help")
"""

# Compiles for each pair "cpu features" given and prints how many went well; what stands after them has killed LLVM.
_TRY = '''
import sys, llvmlite.binding as llvm
llvm.initialize_all_targets(); llvm.initialize_all_asmprinters()
source = """
define double @f(double %a, i32 %b, ptr %p) "frame-pointer"="all" {
  %v = load <4 x float>, ptr %p
  %w = fmul <4 x float> %v, %v
  store <4 x float> %w, ptr %p
  %c = sitofp i32 %b to double
  %d = fadd double %a, %c
  %e = call double @llvm.floor.f64(double %d)
  ret double %e
}
declare double @llvm.floor.f64(double)
"""
for pair in sys.argv[2:]:
    cpu, _, features = pair.partition(" ")
    module = llvm.parse_assembly(source)
    module.triple = sys.argv[1]
    machine = llvm.Target.from_triple(sys.argv[1]).create_target_machine(
        cpu=cpu, features=features, opt=2, codemodel="small"
    )
    machine.emit_object(module)
    print(pair, flush=True)
'''


def candidates(triple: str) -> tuple[list[str], list[str]]:
    """LLVM's names of CPUs and features for `triple`."""
    shown = subprocess.run([sys.executable, "-c", _HELP, triple], capture_output=True, text=True, check=True).stderr
    cpus, _, features = shown.partition("Available features")
    return re.findall(r"^  (\S+) +- ", cpus, re.M), re.findall(r"^  (\S+) +- ", features, re.M)


def usable(triple: str, pairs: list[str]) -> set[str]:
    """Those of `pairs` ("cpu features") for which LLVM compiles."""
    good: set[str] = set()
    while pairs:
        run = subprocess.run([sys.executable, "-c", _TRY, triple, *pairs], capture_output=True, text=True, check=False)
        went = run.stdout.splitlines()
        good.update(went)
        pairs = pairs[len(went) + 1 :]
    return good


def toml_list(name: str, values: list[str]) -> str:
    """`values` as a TOML array, one a line."""
    return f"{name} = [\n" + "".join(f'    "{value}",\n' for value in sorted(values)) + "]\n"


def main() -> None:
    """Writes one file for each architecture that has a target."""
    tables = [tomllib.loads(file.read_text()) for file in (ROOT / "targets").glob("*.toml")]
    tables.sort(
        key=lambda table: table["system"] == "linux"
    )  # an architecture's last is asked; others reserve registers
    for arch, table in {table["arch"]: table for table in tables}.items():
        triple, baseline = table["triple"], table["cpu"]["baseline"]
        cpus, features = candidates(triple)
        if arch == "thumb":  # the others have no such mode, or no registers for floats
            cpus = [cpu for cpu in cpus if re.fullmatch(r"cortex-m([47]|33|35p|52|55|85)", cpu)]
            features = []  # nearly all are other processors' or parts of these
        if arch == "arm":
            cpus = [cpu for cpu in cpus if ARM_V7.fullmatch(cpu)]
            features = [feature for feature in features if OF_ARM.fullmatch(feature)]
        if arch == "x86":
            others = tomllib.loads((ROOT / "targets" / "cpus" / "x86_64.toml").read_text())
            cpus = [cpu for cpu in cpus if cpu in others["names"] or cpu in WITH_SSE2]
            features = [feature for feature in features if feature in others["features"]]
        good_cpus = usable(triple, cpus)
        features = [feature for feature in features if not NOT_FEATURES.fullmatch(feature)]
        good = usable(triple, [f"{baseline} {sign}{feature}" for feature in features for sign in "+-"])
        good_features = [f for f in features if {f"{baseline} +{f}", f"{baseline} -{f}"} <= good]
        out = ROOT / "targets" / "cpus" / f"{arch}.toml"
        out.parent.mkdir(exist_ok=True)
        out.write_text(
            "# Written by scripts/list_cpus.py from LLVM's lists.\n\n"
            + toml_list("names", [cpu for cpu in cpus if cpu in good_cpus])
            + toml_list("features", good_features)
        )
        dropped = [c for c in cpus if c not in good_cpus] + [f for f in features if f not in good_features]
        print(f"{arch}: {len(good_cpus)} CPUs, {len(good_features)} features; left out: {' '.join(dropped)}")


if __name__ == "__main__":
    main()
