"""Random loops that begin with a `br_table` of a local, as cases.

Each is a function of some segments, which the ends of the blocks around the `br_table` begin. What a segment does
depends on all locals and changes some; then it falls through to the next one, branches forward, or sets the local and
branches back, out of tries too: in most functions to a constant, also one that the `br_table` has no case for, in some
to what is computed, so that nobody can tell. The function is entered at each of its segments. All ways are counted
down, so that they come to an end.
"""

from __future__ import annotations

from random import Random

FUEL = 300  # segments of a call
_NONE_SUCH = (-1, 4_000_000_000 - (1 << 32), 1000)


def fields(seed: int, count: int) -> str:
    """Fields of a module with `count` functions, a case each."""
    random = Random(seed)
    return "(tag $thrown)" + "".join(_Case(random, number).text() for number in range(count))


class _Case:
    """One function and what calls it."""

    def __init__(self, random: Random, number: int) -> None:
        self.random = random
        self.number = number
        self.told = random.random() < 0.75  # whether each branch back says where it goes
        self.loops = 0

    def text(self) -> str:
        segments = self.random.choice((1, 2, 3, 4, 6, 9, 15))
        body = self._loop(segments, "$to", nested=self.random.random() < 0.3)
        name = f"$dispatch{self.number}"
        calls = "".join(
            f"(call $put_i64 (call {name} (i32.add (call $zero) (i32.const {to}))"
            f" (i64.add (i64.extend_i32_u (call $zero)) (i64.const {self.random.getrandbits(60)}))))"
            for to in range(-1, segments + 2)
        )
        constant = f"(call $put_i64 (call {name} (i32.const 0) (i64.const {self.random.getrandbits(60)})))"
        return (
            f"(func {name} (param $to i32) (param $x i64) (result i64)"
            f" (local $y i64) (local $z i32) (local $f f64) (local $fuel i32) (local $inner i32)"
            f" (local.set $fuel (i32.const {FUEL}))"
            f" (block $out {body}) {_MIX} (local.get $x))\n"
            f'(func $case{self.number} (export "case dispatch {self.number}") {calls} {constant})\n'
        )

    def _loop(self, segments: int, local: str, *, nested: bool) -> str:
        random = self.random
        self.loops += 1
        prefix = f"${'abcdefgh'[self.loops % 8]}{self.loops}"
        blocks = [f"{prefix}.{i}" for i in range(segments)]
        targets = random.sample(blocks, segments) if random.random() < 0.5 else blocks[:]
        targets += random.choices([*blocks, "$out"], k=random.randint(1, 3))
        text = f"(br_table {' '.join(targets)} (local.get {local}))"
        for i, block in enumerate(blocks):
            inner = nested and random.random() < 0.4 and self.loops < 4
            text = f"(block {block} {text}) {self._segment(blocks[i + 1 :], len(targets), local, prefix, inner=inner)}"
        return f"(loop {prefix} {text})"

    def _segment(self, later: list[str], numbers: int, local: str, loop: str, *, inner: bool) -> str:
        random = self.random
        text = ["(local.set $fuel (i32.sub (local.get $fuel) (i32.const 1)))"]
        text.append("(br_if $out (i32.eqz (local.get $fuel)))")
        text += [self._change() for _ in range(random.randint(0, 3))]
        if inner:
            which = random.choice((local, "$inner"))
            if random.random() < 0.5:
                text.append(f"(local.set {which} (i32.const {random.randint(0, 2)}))")
            text.append(self._loop(random.randint(1, 4), which, nested=True))
        for _ in range(random.choice((0, 1, 1, 2))):
            way = self._way(later, numbers, local, loop)
            text.append(f"(if {self._condition()} (then {self._change()} {way}))" if random.random() < 0.7 else "")
            if random.random() < 0.2:
                text.append(f"(if {self._condition()} (then {self._change()}) (else {way}))")
        if random.random() < 0.1:
            caught = random.choice([*later, "$out"])
            way = self._way(later, numbers, local, loop)
            thrown = f"(if {self._condition()} (then (throw $thrown)))"
            leaves = f"(if {self._condition()} (then {way}))"
            text.append(f"(try_table (catch_all {caught}) {self._change()} {thrown} {leaves})")
        if later and random.random() < 0.3:
            text.append(f"(br_if {random.choice(later)} {self._condition()})")
        if random.random() < 0.1:
            several = [random.choice([*later, loop, "$out"]) for _ in range(random.randint(1, 4))]
            if loop not in several or not self.told:
                text.append(f"(br_table {' '.join(several)} (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 3)))")
                return " ".join(text)
        if random.random() < 0.4:
            text.append(self._way(later, numbers, local, loop))
        return " ".join(text)

    def _way(self, later: list[str], numbers: int, local: str, loop: str) -> str:
        random = self.random
        if later and random.random() < 0.3:
            return f"(br {random.choice(later)})"
        number = random.randrange(numbers) if random.random() < 0.9 else random.choice(_NONE_SUCH)
        if self.told:
            return f"(local.set {local} (i32.const {number})) (br {loop})"
        return random.choice(
            (
                f"(local.set {local} (i32.const {number})) (br {loop})",
                f"(br {loop} (local.set {local} (i32.const {number})))",
                f"(local.set {local} (i32.const {number})) {self._change()} (br {loop})",
                f"(drop (local.tee {local} (i32.const {number}))) (br_if {loop} {self._condition()}) (br $out)",
                f"(local.set {local} (i32.rem_u (i32.wrap_i64 (local.get $x)) (i32.const {numbers}))) (br {loop})",
            )
        )

    def _change(self) -> str:
        random = self.random
        number = random.getrandbits(60)
        return random.choice(
            (
                f"(local.set $x (i64.add (i64.rotl (local.get $x) (i64.const {number & 31})) (i64.const {number})))",
                f"(local.set $y (i64.xor (local.get $y) (i64.mul (local.get $x) (i64.const {number | 1}))))",
                "(local.set $z (i32.add (local.get $z) (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 7)))))",
                "(local.set $f (f64.add (f64.mul (local.get $f) (f64.const 0.5)) (f64.convert_i32_s (local.get $z))))",
                f"(local.set $y (i64.const {number}))",
                _MIX,
            )
        )

    def _condition(self) -> str:
        local = self.random.choice(("$x", "$y"))
        return (
            f"(i32.wrap_i64 (i64.and (i64.shr_u (local.get {local}) (i64.const {self.random.randint(0, 50)}))"
            f" (i64.const {self.random.choice((1, 3, 7))})))"
        )


_MIX = (
    "(local.set $x (i64.rotl (i64.xor (i64.xor (local.get $x) (local.get $y))"
    " (i64.xor (i64.extend_i32_u (local.get $z)) (i64.reinterpret_f64 (local.get $f)))) (i64.const 23)))"
)
