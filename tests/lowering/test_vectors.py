"""Every vector operator takes as many instructions as the chip needs for it, and no more.

Each pure operator (no access to memory) is a function of its own: three modules, one a chip. Not counted are returns,
moves from one vector register to another, and loads of constants, in an operand or before it; zeros and ones that an
instruction makes count. In TABLE is what needs more than one instruction, by the manuals of the instruction sets and by
what Cranelift and V8 emit; what is not in it is one on all three.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

import wasmtime

import waot
from tests import tools
from tests.operators.generated import is_pure
from waot.codegen.options import CodegenOptions, vectors
from waot.frontend.opcodes import OPERATORS
from waot.zig import zig_binary

CHIPS = {"SSE4.1": ("x86_64-linux", None), "AVX2": ("x86_64-linux", "x86-64-v3"), "NEON": ("aarch64-linux", None)}

# Operators, the most instructions on SSE4.1, AVX2 and NEON, and what they are.
TABLE = """
i8x16.shuffle                    3 3 1  pshufb of each operand, por
i8x16.swizzle                    2 2 1  paddusb makes indices from 16 on negative, pshufb
i8x16.splat                      3 2 1  movd, zeros, pshufb; AVX2 movd, vpbroadcastb
i16x8.splat                      3 2 1  movd, pshuflw, pshufd; AVX2 movd, vpbroadcastw
i32x4.splat i64x2.splat          2 2 1  movd, pshufd
i*.extract_lane_s                2 2 1  pextrb or pextrw, and the sign

i*.ne                            3 3 2  equal, inverted: pcmpeq, ones, pxor; cmeq, mvn
f*.ne                            1 1 2  fcmeq, mvn
i8x16.[lg]t_u i16x8.[lg]t_u i32x4.[lg]t_u   4 4 1  pmax or pmin, pcmpeq, inverted: ones, pxor
i8x16.[lg]e_u i16x8.[lg]e_u i32x4.[lg]e_u   2 2 1  pmin or pmax, pcmpeq
i*.[lg]e_s                       3 3 1  greater, inverted. Others: pmins, pcmpeq, of which LLVM makes this again

v128.not                         2 2 1  ones, pxor
v128.bitselect                   3 3 1  pand, pandn, por
v128.any_true                    3 3 4  zero, ptest, setne; umaxp, fmov, cmp, cset
i8x16.all_true i16x8.all_true    6 6 4  zeros, pcmpeq, pmovmskb, zero, test, sete; uminv, fmov, cmp, cset. Others: ptest
i32x4.all_true i64x2.all_true    6 5 4  AVX2 vtestps; for i64x2 NEON cmtst, uminv, fmov, lsr
i8x16.bitmask                    1 1 6  cmlt, and, ext, zip1, addv, fmov
i16x8.bitmask                    3 3 4  packsswb, pmovmskb, the lower half; cmlt, and, addv, fmov
i32x4.bitmask                    1 1 4  cmlt, and, addv, fmov
i64x2.bitmask                    1 1 4  ushr, two moves, orr

i*.neg                           2 2 1  zeros, psub
i64x2.abs                        3 3 1  zeros, psubq, blendvpd
i8x16.popcnt                     6 6 1  pand, psrlw, pand, two pshufb as tables, paddb
i8x16.shl                        8 7 3  and, movd, psllw; ones, psllw, zeros, pshufb: what stays in a byte; pand
i8x16.shr_u                      7 7 4  and, movd, psrlw; ones, psrlw, pshufb; pand
i8x16.shr_s                      8 8 4  and, or, movd, punpcklbw, punpckhbw, two psraw, packsswb
i16x8.shl i32x4.shl i64x2.shl    3 3 3  and, movd, psll; and, dup, ushl
i16x8.shr_[su] i32x4.shr_[su] i64x2.shr_u   3 3 4  and, movd, psra or psrl; and, dup, neg, sshl or ushl
i64x2.shr_s                      6 6 4  and, movd, psrlq, and the sign: psrlq of the highest bit, pxor, psubq
i64x2.mul                        8 8 8  three pmuludq, three shifts, two paddq; four moves out, two mul, two moves in
i*.narrow_*                      1 1 2  sqxtn, sqxtn2
i*.extend_high_*                 2 2 1  pshufd, pmovsx; zeros, punpckh
i16x8.extmul_low_*               3 3 1  pmovsx or pmovzx of each operand, pmullw
i16x8.extmul_high_*_s            5 5 1  pshufd and pmovsxbw of each operand, pmullw
i16x8.extmul_high_*_u            4 4 1  zeros, two punpckhbw, pmullw
i32x4.extmul_*                   3 3 1  pmullw, pmulhw, punpcklwd or punpckhwd
i64x2.extmul_*                   3 3 1  two pmovzxdq or pshufd, pmuldq
i32x4.extadd_pairwise_i16x8_u    3 3 1  pxor, pmaddwd, paddd
i16x8.q15mulr_sat_s              3 3 1  pmulhrsw, pcmpeqw, pxor
i32x4.dot_i16x8_s                1 1 3  smull, smull2, addp

f*.min f*.max                    6 6 1  minps sees neither NaN nor the sign of zero; Cranelift and V8 have 7
f*.pmin f*.pmax                  1 1 2  fcmgt, bit
f32x4.convert_i32x4_u            5 5 1  halves: pblendw, psrld, pblendw, subps, addps
f64x2.convert_low_i32x4_s        1 1 2  sshll, scvtf
f64x2.convert_low_i32x4_u        2 2 2  unpcklps, subpd; ushll, ucvtf
i32x4.trunc_sat_f32x4_s          5 5 1  cvttps2dq; from 2^31 on cmpps, xorps; NaN cmpps, andps
i32x4.trunc_sat_f32x4_u          7 7 1  zeros, maxps, cvttps2dq; from 2^31 on subps, minps, cvttps2dq; pmaxsd
i32x4.trunc_sat_f64x2_s_zero     4 4 2  cmppd, andpd, minpd, cvttpd2dq; fcvtzs, sqxtn
i32x4.trunc_sat_f64x2_u_zero     6 6 2  zeros, maxpd, minpd, roundpd, addpd, shufps; fcvtzu, uqxtn

halves_of_extmul                 6 6 3  pmullw, pmulhuw, punpcklwd, punpckhwd; two results go to memory: two stores, stp
shr_s_by_constant                4 4 1  psrlw, pand, pxor, psubb
"""
ROWS = re.findall(r"^(\S+(?: \S+)*) +(\d) (\d) (\d)  \S", TABLE, re.MULTILINE)
MOST = {pattern: tuple(map(int, counts)) for patterns, *counts in ROWS for pattern in patterns.split()}
OPERATORS_HERE = [op for op in OPERATORS if op.proposal == "simd" and is_pure(op) and op.params]

# The lane 0 is cheaper than others, and so is many a shuffle than this.
IMMEDIATES = {"lanes": "3 30 17 9 0 0 25 12 31 1 16 15 8 22 5 28"}

_LABEL = re.compile(r"wasm\.\d+\.(.+):")
_FREE = re.compile(
    r"ret\w*$"
    r"|v?mov[au]p[sd] %\w+, %\w+$|v?movdq[au] %\w+, %\w+$|mov (v\d+)\.16b, v\d+\.16b$"
    r"|v?(mov|p?broadcast)\w+ \.LCPI\w+\(%rip\), %\w+$|adrp x\d+, \.LCPI\w+$|ldr [qd]\d+, \[x\d+, :lo12:\.LCPI\w+\]$"
)


# What has a row of its own beside the operators.
COMBINATIONS = {
    "halves_of_extmul": """(param v128 v128) (result v128 v128)
      (i32x4.extmul_low_i16x8_u (local.get 0) (local.get 1)) (i32x4.extmul_high_i16x8_u (local.get 0) (local.get 1))""",
    "shr_s_by_constant": "(param v128) (result v128) (i8x16.shr_s (local.get 0) (i32.const 3))",
}


def _functions() -> dict[str, str]:
    found = dict(COMBINATIONS)
    for op in OPERATORS_HERE:
        assert op.params is not None
        assert op.results is not None
        immediates = " ".join(IMMEDIATES.get(immediate, "1") for immediate in op.immediates)
        operands = " ".join(f"(local.get {n})" for n in range(len(op.params)))
        types = " ".join(t.name for t in op.params)
        found[op.name] = f"(param {types}) (result {op.results[0].name}) ({op.name} {immediates} {operands})"
    return found


FUNCTIONS = _functions()


def _instructions(assembly: str) -> dict[str, list[str]]:
    """The instructions that count, by operator."""
    found: dict[str, list[str]] = {}
    into: list[str] | None = None
    for line in assembly.splitlines():
        if label := _LABEL.match(line):
            into = found.setdefault(label[1], [])
        elif line.startswith(".Lfunc_end"):
            into = None
        elif into is not None and re.match(r"\t[a-z]", line):
            instruction = " ".join(line.split())
            if not _FREE.match(instruction):
                into.append(instruction)
    return found


def _most(name: str) -> tuple[int, ...]:
    found = [most for pattern, most in MOST.items() if fnmatchcase(name, pattern)]
    assert len(found) < 2, f"{name} is in the table twice"
    return found[0] if found else (1, 1, 1)


@pytest.mark.parametrize("chip", CHIPS)
def test_operators_take_the_instructions_that_the_chip_needs(chip: str, tmp_path: Path) -> None:
    target, cpu = CHIPS[chip]
    module, assembly = tmp_path / "vectors.wasm", tmp_path / "vectors.s"
    fields = "".join(f'(func ${name} (export "{name}") {text})' for name, text in FUNCTIONS.items())
    module.write_bytes(wasmtime.wat2wasm(f"(module {fields})"))
    waot.build(module, assembly, [target], emit="asm", cpu=cpu, jobs=1, cache=False)
    found = _instructions(assembly.read_text())
    assert found.keys() == FUNCTIONS.keys()
    longer = []
    for name, instructions in found.items():
        most = _most(name)[list(CHIPS).index(chip)]
        if not 0 < len(instructions) <= most:
            longer.append(f"{name}: {len(instructions)}, not {most}: " + "; ".join(instructions))
    assert not longer, "\n".join(longer)


def test_every_row_of_the_table_is_of_an_operator() -> None:
    assert len(ROWS) == len([line for line in TABLE.splitlines() if line])
    assert not [pattern for pattern in MOST if not any(fnmatchcase(name, pattern) for name in FUNCTIONS)]


def _of_clang(triple: str, cpu: str, features: list[str]) -> str | None:
    flags = [word for feature in features for word in ("-target-feature", feature)]
    command = ["clang", "-cc1", "-triple", triple, "-target-cpu", cpu, *flags, "-dM", "-E", "-x", "c", "-"]
    done = subprocess.run([str(zig_binary()), *command], input="", capture_output=True, text=True, check=True)
    macros = set(re.findall(r"#define (__SSE4_1__|__SSSE3__) 1", done.stdout))
    return "sse4.1" if "__SSE4_1__" in macros else "ssse3" if macros else None


@pytest.mark.parametrize(("arch", "triple"), [("x86_64", "x86_64-linux-musl"), ("x86", "i686-linux-musl")])
def test_processors_have_the_vectors_that_they_are_taken_to_have(arch: str, triple: str) -> None:
    names = tomllib.loads((tools.ROOT / "targets" / "cpus" / f"{arch}.toml").read_text())["names"]
    cases = [(name, "") for name in names]
    cases += [("core2", "+sse4.1"), ("x86-64", "+ssse3"), ("x86-64-v2", "-sse4.1"), ("x86-64-v3", "-ssse3")]
    wrong = []
    for name, feature in cases:
        actual = vectors(arch, CodegenOptions(triple, name, feature, "", "2", "obj"))
        if actual != _of_clang(triple, name, [feature] if feature else []):
            wrong.append((name, feature, actual))
    assert len(cases) > 50
    assert not wrong
