"""Writes targets/cpus/<arch>.toml: the CPUs and features that LLVM knows and for which it can make our code.

Run it after changing the version of ziglang: ``python -m scripts.list_cpus``. LLVM's list holds names that end the
process when used (32-bit CPUs for a 64-bit target, ``-sse2`` with floating point), so each is tried on a small
function; what LLVM itself prints is the list of candidates.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from waot.zig import zig_binary

ROOT = Path(__file__).resolve().parent.parent

# Not properties of a CPU: another mode or another calling convention.
# What the other 32-bit processors of x86 lack, SSE2, makes floats right; what of Arm's features may be added: not NEON,
# which takes denormal numbers for zero.
WITH_SSE2 = ("pentium-m", "pentium4", "pentium4m", "prescott", "yonah")
ARM_V7 = re.compile(r"generic|swift|krait|kryo|cyclone|(cortex-a|exynos|neoverse).*")
OF_ARM = re.compile(r"hwdiv(-arm)?|mp|crc")
NOT_FEATURES = re.compile(r".*bit-mode|soft-float|32bit|64bit|e|relax|exact-asm|f|d|zicsr|reserve-x.*")

SOURCE = """
target triple = "{triple}"
define double @f(double %a, i32 %b, ptr %p) "frame-pointer"="all" {{
  %v = load <4 x float>, ptr %p
  %w = fmul <4 x float> %v, %v
  store <4 x float> %w, ptr %p
  %c = sitofp i32 %b to double
  %d = fadd double %a, %c
  %e = call double @llvm.floor.f64(double %d)
  ret double %e
}}
declare double @llvm.floor.f64(double)
"""


def clang(triple: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """clang, as code generator, on the small function."""
    command = [str(zig_binary()), "clang", "-cc1", "-triple", triple, *arguments, "-O2", "-emit-obj", "-x", "ir"]
    source = SOURCE.format(triple=triple)
    return subprocess.run([*command, "-", "-o", os.devnull], input=source, capture_output=True, text=True, check=False)


def candidates(triple: str) -> tuple[list[str], list[str]]:
    """LLVM's names of CPUs and features for `triple`."""
    cpus, _, features = clang(triple, "-target-feature", "+help").stderr.partition("Available features")
    return re.findall(r"^  (\S+) +- ", cpus, re.M), re.findall(r"^  (\S+) +- ", features, re.M)


def usable(triple: str, pairs: list[str]) -> set[str]:
    """Those of `pairs` ("cpu feature", or a CPU alone) for which clang compiles, and has nothing to say."""

    def compiles(pair: str) -> bool:
        cpu, _, feature = pair.partition(" ")
        features = ["-target-feature", feature] if feature else []
        run = clang(triple, "-Wno-override-module", "-target-cpu", cpu, *features)
        return (run.returncode, run.stderr) == (0, "")

    with ThreadPoolExecutor() as pool:
        return {pair for pair, good in zip(pairs, pool.map(compiles, pairs), strict=True) if good}


def toml_list(name: str, values: list[str]) -> str:
    """`values` as a TOML array, one a line."""
    return f"{name} = [\n" + "".join(f'    "{value}",\n' for value in sorted(values)) + "]\n"


def main() -> None:
    """Writes one file for each architecture that has a target."""
    tables = [tomllib.loads(file.read_text()) for file in sorted((ROOT / "targets").glob("*.toml"))]
    tables = [table for table in tables if "arch" in table]  # universal ones are of others
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
