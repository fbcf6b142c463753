"""Traps: what they say, with which status they end, and where they say it happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import tools
from tests.runtime.programs import PAGE, STRATEGIES, TRAPS, at, build, function, movable, run, targets, with_strategies
from waot.targets import Target, find_target

TARGETS = [pytest.param(target, id=target.name) for target in targets()]
both = pytest.mark.parametrize("target", TARGETS)
every_strategy = pytest.mark.parametrize(
    ("target", "strategy"), [pytest.param(*pair, id=f"{pair[0].name}-{pair[1]}") for pair in with_strategies()]
)

EXIT = "  call void @waot_wasi_proc_exit(ptr @waot_memory.0, i32 {}) #0\n  unreachable"


@both
@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_names_itself_and_its_operator(target: Target, trap: str, tmp_path: Path) -> None:
    code = function(0, "void ()", f"  call void @waot_trap_{trap}() #0, {at(0x123)}\n  unreachable")
    outcome = run(target, build(target, target.memory_default, code), tmp_path)
    assert outcome.status == 134
    assert outcome.output == ""
    assert outcome.errors == f"waot: trap: {TRAPS[trap]}\n    at main (function 7, offset 0x123)\n"


# -O0 has frame pointers and every value on the stack; -O2 neither.
@every_strategy
@pytest.mark.parametrize("level", ["0", "2"])
def test_a_backtrace_has_each_caller_with_the_offset_of_its_call(
    target: Target, strategy: str, level: str, tmp_path: Path
) -> None:
    code = function(
        0, "void ()", f"  call void @wasm.8(i32 0), {at(0x110)}\n  call void @wasm.9(), {at(0x120)}\n  ret void"
    )
    trap = f"""\
  %zero = icmp eq i32 %x, 0, {at(0x210, 1)}
  br i1 %zero, label %bad, label %good, {at(0x211, 1)}
bad:
  call void @wasm.9(), {at(0x220, 1)}
  ret void, {at(0x221, 1)}
good:
  ret void, {at(0x230, 1)}"""
    code += function(1, "void (i32 %x)", trap)
    code += function(2, "void ()", f"  call void @waot_trap_unreachable() #0, {at(0x333, 2)}\n  unreachable")
    outcome = run(target, build(target, strategy, code, level=level), tmp_path)
    assert outcome.status == 134
    assert outcome.backtrace == [
        "at function 9, offset 0x333",
        "at helper (function 8, offset 0x220)",
        "at main (function 7, offset 0x110)",
    ]


@both
def test_an_inlined_function_is_named_with_the_one_that_holds_its_code(target: Target, tmp_path: Path) -> None:
    code = function(0, "void ()", f"  call void @wasm.8(i32 0), {at(0x110)}\n  ret void")
    inlined = f"  call void @waot_trap_unreachable() #0, {at(0x222, 1)}\n  unreachable"
    code += function(1, "void (i32 %x)", inlined, "#2")
    outcome = run(target, build(target, target.memory_default, code), tmp_path)
    assert outcome.backtrace == ["at helper (function 8, offset 0x222), inlined in main (function 7)"]


@both
def test_a_name_cannot_send_control_characters_to_the_terminal(target: Target, tmp_path: Path) -> None:
    code = function(0, "void ()", f"  call void @wasm.10(), {at(0x110)}\n  ret void")
    code += function(3, "void ()", f"  call void @waot_trap_unreachable() #0, {at(0x444, 3)}\n  unreachable")
    outcome = run(target, build(target, target.memory_default, code), tmp_path)
    assert outcome.backtrace[0] == "at a?b (function 10, offset 0x444)"


@pytest.mark.parametrize(
    ("target", "strategy"), [(target, strategy) for target, strategy in with_strategies() if strategy != "checked"]
)
@pytest.mark.parametrize("address", [2 * PAGE, 2 * PAGE - 3, 0xFFFFFFFF])
def test_an_access_past_the_end_of_a_memory_is_a_trap(
    target: Target, strategy: str, address: int, tmp_path: Path
) -> None:
    body = f"""\
  %p = call ptr @address(i32 {address}), {at(0x110)}
  %v = load volatile i32, ptr %p, align 1, {at(0x120)}
  ret void"""
    outcome = run(target, build(target, strategy, function(0, "void ()", body)), tmp_path)
    assert outcome.status == 134
    assert outcome.errors == ("waot: trap: out of bounds memory access\n    at main (function 7, offset 0x120)\n")


@every_strategy
def test_endless_recursion_exhausts_the_call_stack(target: Target, strategy: str, tmp_path: Path) -> None:
    # The result is used: LLVM turns a call that ends a function into a jump, and the frame is gone.
    body = f"""\
  %r = call i32 @wasm.8(i32 1), {at(0x110)}
  %p = call ptr @address(i32 0)
  store volatile i32 %r, ptr %p
  ret void"""
    code = function(0, "void ()", body)
    recursion = f"""\
  %slot = alloca [4 x i64]
  store volatile i32 %x, ptr %slot, {at(0x205, 1)}
  %r = call i32 @wasm.8(i32 %x), {at(0x210, 1)}
  %v = load volatile i32, ptr %slot
  %sum = add i32 %r, %v
  ret i32 %sum"""
    code += function(1, "i32 (i32 %x)", recursion)
    outcome = run(target, build(target, strategy, code), tmp_path)
    lines = outcome.errors.splitlines()
    assert outcome.status == 134
    assert lines[0] == "waot: trap: call stack exhausted"
    assert lines[2] == "    at helper (function 8, offset 0x210)"
    assert any(line.startswith("    ... ") and line.endswith(" more frames ...") for line in lines)
    assert lines[-1] == "    at main (function 7, offset 0x110)"
    assert len(lines) < 50


@every_strategy
def test_a_frame_larger_than_the_stack_is_exhaustion_too(target: Target, strategy: str, tmp_path: Path) -> None:
    body = f"""\
  %big = alloca [67108864 x i8]
  %low = getelementptr i8, ptr %big, i64 16
  store volatile i8 1, ptr %low, {at(0x120)}
  ret void"""
    outcome = run(
        target, build(target, strategy, function(0, "void ()", body), level="0"), tmp_path
    )  # SROA would shrink it
    assert outcome.status == 134
    assert outcome.errors.splitlines()[0] == "waot: trap: call stack exhausted"


@every_strategy
def test_a_fault_that_no_trap_explains_is_an_internal_error(target: Target, strategy: str, tmp_path: Path) -> None:
    body = f"  %v = load volatile i32, ptr inttoptr (i64 4096 to ptr), {at(0x120)}\n  ret void"
    outcome = run(target, build(target, strategy, function(0, "void ()", body)), tmp_path)
    assert outcome.status in (-6, 134)  # by SIGABRT
    assert outcome.errors.startswith("waot: internal error: signal 11 at pc 0x")
    assert outcome.backtrace[0] == "at main (function 7, offset 0x120)"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_fault_is_told_whatever_power_has_in_r2(strategy: str, tmp_path: Path) -> None:
    """A function that reaches nothing by the TOC may use its register for something else."""
    target = find_target("ppc64le-linux")
    tools.runner_or_skip(target.name)
    body = f'  call void asm sideeffect "li 2, 0; ld 0, 0(2)", ""(), {at(0x120)}\n  ret void'
    outcome = run(target, build(target, strategy, function(0, "void ()", body)), tmp_path)
    assert outcome.errors.startswith("waot: internal error: signal 11 at pc 0x")
    assert outcome.backtrace[0] == "at main (function 7, offset 0x120)"


@every_strategy
def test_the_end_of_the_entry_function_is_success(target: Target, strategy: str, tmp_path: Path) -> None:
    outcome = run(target, build(target, strategy, function(0, "void ()", "  ret void")), tmp_path)
    assert (outcome.status, outcome.output, outcome.errors) == (0, "", "")


@both
def test_proc_exit_ends_with_its_status(target: Target, tmp_path: Path) -> None:
    outcome = run(target, build(target, target.memory_default, function(0, "void ()", EXIT.format(42))), tmp_path)
    assert (outcome.status, outcome.errors) == (42, "")


@both
def test_a_signal_that_someone_sent_is_not_a_trap(target: Target, tmp_path: Path) -> None:
    if tools.runner(target.name) and target.system != "freebsd":
        pytest.skip("the emulator answers signals in its own way")
    path = tmp_path / "program"
    path.write_bytes(build(target, target.memory_default, function(0, "void ()", "  br label %l\nl:\n  br label %l")))
    path.chmod(0o755)
    with subprocess.Popen([*tools.runner(target.name), str(path)], stderr=subprocess.PIPE) as running:
        time.sleep(0.3)
        running.send_signal(signal.SIGSEGV)
        errors = running.communicate(timeout=30)[1]
    assert (running.returncode, errors) == (-signal.SIGSEGV, b"")


@both
@pytest.mark.parametrize("fault", [True, False])
def test_a_trap_is_told_whatever_signals_the_parent_blocked(target: Target, fault: bool, tmp_path: Path) -> None:
    if tools.runner(target.name) and target.system != "freebsd":
        pytest.skip("the emulator has the signals")
    if fault and "guarded" not in target.memory_supported:
        pytest.skip("memories have no guard, so nothing faults")
    if fault:
        body = f"  %p = call ptr @address(i32 -1)\n  %v = load volatile i32, ptr %p, {at(0x120)}\n  ret void"
    else:
        body = f"  call void @waot_trap_memory_out_of_bounds() #0, {at(0x120)}\n  unreachable"
    path = tmp_path / "program"
    path.write_bytes(build(target, movable(target), function(0, "void ()", body)))
    path.chmod(0o755)
    blocked = "import os, signal, sys; signal.pthread_sigmask(0, range(1, 65)); os.execv(sys.argv[1], sys.argv[1:])"
    words = [sys.executable, "-W", "ignore", "-c", blocked, *tools.runner(target.name), str(path)]
    done = subprocess.run(words, capture_output=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[:1]) == (134, [b"waot: trap: out of bounds memory access"])


@both
def test_a_trap_at_the_end_of_the_stack_is_told(target: Target, tmp_path: Path) -> None:
    """A report needs more stack than is left there."""
    recursion = f"""\
  %p = call ptr @address(i32 0)
  store volatile i32 %x, ptr %p
  %last = icmp eq i32 %x, 0
  br i1 %last, label %end, label %more, {at(0x205, 1)}
end:
  call void @waot_trap_unreachable() #0, {at(0x220, 1)}
  unreachable
more:
  %y = sub i32 %x, 1
  %r = call i32 @wasm.8(i32 %y), {at(0x210, 1)}
  store volatile i32 %r, ptr %p
  ret i32 %r"""
    small, large = 50, (64 << 10) // 8  # frames that do and do not fit
    while large - small > 1:
        depth = (small + large) // 2
        body = f"  %r = call i32 @wasm.8(i32 {depth}), {at(0x110)}\n  %p = call ptr @address(i32 0)"
        body += "\n  store volatile i32 %r, ptr %p\n  ret void"
        code = function(0, "void ()", body) + function(1, "i32 (i32 %x)", recursion)
        outcome = run(target, build(target, movable(target), code, stack_size=64 << 10), tmp_path)
        assert (outcome.status, len(outcome.backtrace)) == (134, 33), depth
        fits = outcome.errors.startswith("waot: trap: unreachable\n")
        assert fits or outcome.errors.startswith("waot: trap: call stack exhausted\n")
        small, large = (depth, large) if fits else (small, depth)


@both
def test_a_trap_that_nobody_reads_has_its_status(target: Target, tmp_path: Path) -> None:
    code = function(0, "void ()", f"  call void @waot_trap_unreachable() #0, {at(0x123)}\n  unreachable")
    path = tmp_path / "program"
    path.write_bytes(build(target, target.memory_default, code))
    path.chmod(0o755)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*tools.runner(target.name), str(path)], stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == 134
