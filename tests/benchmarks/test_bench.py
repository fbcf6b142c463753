"""The benchmarks' own arithmetic and honesty: ratios, means, what a disagreement does, the chart, and one small run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as bench_main
from benchmarks import catalogue, chart, compiled, contestants
from benchmarks.bench import Bench
from benchmarks.measure import Absent, Contest, Failed, Series, contest, geometric_mean, result_and_seconds
from tests import tools

SVG = "{http://www.w3.org/2000/svg}"


def saying(text: str, status: int = 0) -> list[str]:
    """A command that says `text`, whatever its arguments."""
    return ["sh", "-c", f"printf '{text}'; exit {status}"]


def test_a_ratio_is_that_of_the_least_times() -> None:
    outcome = Contest({"native": Series((2.0, 4.0, 9.0)), "waot": Series((5.0, 3.0, 3.5))}, {})
    assert outcome.ratio("waot") == 1.5
    assert outcome.ratio("native", "waot") == 2 / 3
    assert outcome.ratio("V8") is None


def test_geometric_mean() -> None:
    assert geometric_mean([1, 4, 16]) == pytest.approx(4)
    assert geometric_mean(iter([0.5])) == pytest.approx(0.5)
    assert geometric_mean([]) is None


def test_a_program_says_its_result_and_its_time() -> None:
    assert result_and_seconds("result 7\nseconds 0.25\n") == ("result 7\n", 0.25)
    assert result_and_seconds("seconds 1.5\nresult 7\n") == ("result 7\n", 1.5)
    with pytest.raises(Failed, match="did not say its time"):
        result_and_seconds("result 7\n")


def test_whoever_says_something_else_or_fails_is_out() -> None:
    commands = {
        "native": saying("result 1\\nseconds 0.5\\n"),
        "waot": saying("result 1\\nseconds 0.6\\n"),
        "wrong": saying("result 2\\nseconds 0.1\\n"),
        "crash": saying("result 1\\nseconds 0.1\\n", 3),
        "silent": saying("result 1\\n"),
    }
    outcome = contest(commands, ["kernel", "1"], rounds=2)
    assert outcome.series == {"native": Series((0.5, 0.5)), "waot": Series((0.6, 0.6))}
    assert set(outcome.failures) == {"wrong", "crash", "silent"}
    assert "result 2" in outcome.failures["wrong"]


def test_processor_time_is_that_of_the_run_less_that_of_the_other() -> None:
    spin = "import sys, time; end = time.process_time() + float(sys.argv[1])\nwhile time.process_time() < end: pass"
    command = [sys.executable, "-S", "-c", f"{spin}\nprint('seconds 7')"]
    outcome = contest({"native": command}, ["0.3"], rounds=2, less=["0"])
    assert outcome.series["native"].median == pytest.approx(0.3, rel=0.5)


def test_the_catalogue_names_what_the_sources_have() -> None:
    for group, programs in catalogue.groups().items():
        assert any(program.quick for program in programs), group
        for program in programs:
            assert f'"{program.name}"' in program.source.read_text(), program
    assert [str(p) for p in catalogue.select(["calls/fib", "calls"], quick=True)] == ["calls/fib", "calls/indirect"]


DOCUMENT: dict[str, Any] = {
    "time": "2026-01-02T03:04:05+00:00",
    "geometric_means": {"numeric": {"waot": 1.0, "V8": 1.5}, "a<b": {"waot": 2.0}, "all": {"waot": 1.4, "V8": 1.5}},
}


def test_the_chart_is_svg_with_a_bar_for_each_mean() -> None:
    root = ElementTree.fromstring(chart.draw(DOCUMENT))
    assert root.tag == f"{SVG}svg"
    bars = {
        title.text: float(bar.attrib["width"]) for bar in root.iter(f"{SVG}rect") for title in bar.iter(f"{SVG}title")
    }
    assert set(bars) == {
        "numeric, waot: 1.00",
        "numeric, V8: 1.50",
        "a<b, waot: 2.00",
        "all, waot: 1.40",
        "all, V8: 1.50",
    }
    assert bars["a<b, waot: 2.00"] == pytest.approx(2 * bars["numeric, waot: 1.00"], abs=0.2)
    (line,) = root.iter(f"{SVG}line")
    (edge,) = {float(bar.attrib["x"]) for bar in root.iter(f"{SVG}rect") if len(bar)}
    assert float(line.attrib["x1"]) == pytest.approx(edge + bars["numeric, waot: 1.00"], abs=0.2)


def _run(monkeypatch: pytest.MonkeyPatch, results: Path, peers: dict[str, contestants.Maker]) -> tuple[int, Any]:
    """One quick run of a small program: its status, and the document that it writes."""
    monkeypatch.setattr(compiled, "PEERS", peers)
    monkeypatch.setattr(bench_main, "RESULTS", results)
    results.mkdir()
    done = CliRunner().invoke(bench_main.main, ["--quick", "--rounds", "1", "allocation/realloc"])
    (document,) = results.glob("*.json")
    ElementTree.parse(document.with_suffix(".svg"))
    return done.exit_code, json.loads(document.read_text())


def test_a_small_run_from_end_to_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    try:
        tools.zig()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))

    def absent(*_: object) -> list[str]:
        raise Absent("a peer that nobody has")

    status, document = _run(monkeypatch, tmp_path / "right", {"V8": absent})
    assert status == 0
    (program,) = document["programs"]
    assert {"native", "waot", "waot scalar"} <= set(program["seconds"]) <= {"native", "glibc", "waot", "waot scalar"}
    ratio = min(program["seconds"]["waot"]) / min(program["seconds"]["native"])
    assert program["ratios"]["waot"] == pytest.approx(ratio)
    assert document["geometric_means"]["all"]["waot"] == pytest.approx(ratio)
    assert {"absent", "waot / native, scalar, worst"} <= {row["what"] for row in document["rows"]}

    status, document = _run(monkeypatch, tmp_path / "wrong", {"V8": lambda *_: saying("result 0\\nseconds 0.1\\n")})
    assert status == 1
    assert "another result" in document["programs"][0]["failures"]["V8"]
    assert [row["what"] for row in document["rows"] if row["failed"]] == ["failed"]


@pytest.mark.parametrize("peer", ["wasmtime", "V8", "wasm2c"])
def test_peers_run_what_they_are_given(peer: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, quick=True, say=print)
    program = catalogue.select(["allocation/malloc-trees"], quick=True)[0]
    try:
        wasm = contestants.compile_module(program.source, simd=peer not in contestants.SCALAR_ONLY)
        command = contestants.PEERS[peer](bench, wasm, ())
    except (Absent, tools.ToolMissing) as missing:
        pytest.skip(str(missing))
    outcome = contest({"native": contestants.native(bench, program.source), peer: command}, [program.name, "1"], 1)
    assert not outcome.failures


def test_wamr_is_found_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bench = Bench(tmp_path, quick=True, say=print)
    module = tmp_path / "module.wasm"
    module.write_bytes(b"the module")
    monkeypatch.delenv("WAOT_BENCH_WAMR", raising=False)
    with pytest.raises(Absent, match="WAOT_BENCH_WAMR"):
        contestants.wamr(bench, module, ())
    compiler = '[ "$2 $3" = "--target=x86_64 --cpu=x86-64-v2" ] && cp "$6" "$5"'  # not for this machine's AVX
    for name, script in (("wamrc", compiler), ("iwasm", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("WAOT_BENCH_WAMR", str(tmp_path))
    command = contestants.wamr(bench, module, ["/host::/guest"])
    assert command == [str(tmp_path / "iwasm"), "--map-dir=/guest::/host", str(tmp_path / "module.aot")]
    assert (tmp_path / "module.aot").read_bytes() == b"the module"
