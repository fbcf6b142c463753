"""Random counted loops over memory, as cases: what lowering/loops.py makes two versions of, and what it must not.

Addresses run up and down, over each other, across the ends of the memory and around the corner at 2**32; loads stand
before and behind stores to the same and to neighbouring bytes; counters start anywhere, in steps that do and do not
meet the end. Bodies are unrolled, some not quite alike. What is written out is a number that depends on every
byte that was loaded, the locals, and the memory. What is loaded always counts: LLVM drops loads, with their trap, whose
value is stored and overwritten.
"""

from __future__ import annotations

import re
from random import Random

PAGE = 1 << 16
BYTES = 2048  # at each end of a page, of what is looked at afterwards

# One page; and all of 4 GiB, where addresses that wrap are in the memory.
PAGES = {"small": 1, "whole": 1 << 16}

_SUPPORT = """
(memory $m {pages})
(func $mix (param $sum i64) (param $value i64) (result i64)
  (i64.rotl (i64.mul (i64.xor (local.get $sum) (local.get $value)) (i64.const 0x9e3779b97f4a7c15)) (i64.const 23)))
(func $fill (param $at i32) (local $left i32)
  (local.set $left (i32.const {bytes}))
  (loop $more
    (i32.store8 $m (local.get $at) (i32.mul (local.get $left) (i32.const 0x9d)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
(func $look (param $at i32) (result i64) (local $left i32) (local $sum i64)
  (local.set $left (i32.const {bytes}))
  (loop $more
    (local.set $sum (call $mix (local.get $sum) (i64.load8_u $m (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (local.get $sum))
"""

_LOADS = {1: "i64.load8_u", 2: "i64.load16_s", 4: "i64.load32_u", 8: "i64.load"}
_STORES = {1: "i64.store8", 2: "i64.store16", 4: "i64.store32", 8: "i64.store"}
_BASES = ("p", "q", "r")


def fields(seed: int, count: int, kind: str) -> str:
    """Fields of a module with `count` cases, in a memory of `kind`."""
    random = Random(f"{seed} {kind}")
    pages = PAGES[kind]
    head = _SUPPORT.format(pages=pages, bytes=BYTES)
    return head + "".join(_Case(random, pages * PAGE).text(number) for number in range(count))


class _Case:
    """A loop and what goes before and after it."""

    def __init__(self, random: Random, size: int) -> None:
        self.random = random
        self.size = size  # of the memory, bytes
        self.step = random.choice((1, 1, 2, 4, 8, 8, 16, -1, -4, -8, 12, -3))
        self.rounds = random.choice((1, 2, 3, 5, 16, 33, 60))
        self.moving = {base: random.choice((0, 0, 0, 4, 8, -8, 16)) for base in _BASES}
        self.parts = random.choice((1, 1, 1, 2, 3, 4))  # how often the body is there, each a share further
        self.part = 0  # the one that is being written

    def text(self, number: int) -> str:
        random = self.random
        way = self.step * self.parts * self.rounds
        start = random.choice((0, 0, 64, 1000, random.getrandbits(32), -way))
        end = start + way
        stray = random.random() < 0.08 and self.parts == 1
        if stray:
            end += 1  # which the counter may never meet: an address that moves ends the loop
            self.moving["p"] = 8
        lines = [f"(local.set ${base} (i32.add (call $zero) (i32.const {self._base(start)})))" for base in _BASES]
        if random.random() < 0.4:  # neighbours
            near = random.choice((-16, -8, 8, 24, 128, 480))
            lines.append(f"(local.set $q (i32.add (local.get $p) (i32.const {near})))")
        lines.append(f"(local.set $i (i32.add (call $zero) (i32.const {_i32(start)})))")
        lines.append(f"(local.set $n (i32.add (call $zero) (i32.const {_i32(end)})))")
        moves = [
            f"(local.set ${base} (i32.add (local.get ${base}) (i32.const {by * self.parts})))"
            for base, by in self.moving.items()
            if by
        ]
        if self.parts > 1:
            body = [*self._parts(), *moves]
        else:
            body = [self._statement() for _ in range(random.randrange(1, 7))] + moves
            if random.random() < 0.15 and not stray:
                body = [self._copy()]
            if stray:
                body.append("(i64.store $m (local.get $p) (local.get $s))")
            random.shuffle(body)
        lines += self._loop(body)
        shown = "".join(f"(call $put_i32 (local.get ${name}))" for name in (*_BASES, "i", "x"))
        shown += "(call $put_i64 (local.get $y))(call $put_i64 (local.get $s))"
        edges = (0, self.size - BYTES, self.size // 2 - BYTES // 2)
        fills = "".join(f"(call $fill (i32.const {_i32(edge)}))" for edge in edges)
        looks = "".join(f"(call $put_i64 (call $look (i32.const {_i32(edge)})))" for edge in edges)
        locals_ = "".join(f" (local ${name} i32)" for name in (*_BASES, "i", "n", "x"))
        return (
            f'(func $loop{number} (export "case loop {number}"){locals_} (local $s i64) (local $y i64)\n  {fills}\n  '
            + "\n  ".join(lines)
            + f"\n  {shown}{looks})\n"
        )

    def _base(self, start: int) -> int:
        """Where addresses begin: what `start` adds to them is taken off here as often as not."""
        random = self.random
        near = random.choice((0, 8, 200, 700, self.size // 2, self.size - 8, self.size - 300, self.size - 1000))
        return _i32(near + random.randrange(0, 64) - random.choice((0, start)))

    def _loop(self, body: list[str]) -> list[str]:
        random = self.random
        advance = f"(local.tee $i (i32.add (local.get $i) (i32.const {_i32(self.step * self.parts)})))"
        ahead = random.random() < 0.3 and self.parts == 1
        if ahead:
            body.insert(random.randrange(len(body) + 1), f"(drop {advance})")
            advance = "(local.get $i)"
        condition = random.choice(
            (
                f"(i32.ne {advance} (local.get $n))",
                f"(i32.ne (local.get $n) {advance})",
                f"(i32.sub {advance} (local.get $n))",
                f"(i32.eqz (i32.eqz (i32.sub (local.get $n) {advance})))",
            )
        )
        inside = "\n    ".join(body)
        leave = random.choice(("", "(br $done)"))
        return [f"(block $done (loop $more\n    {inside}\n    (br_if $more {condition}){leave}))"]

    def _parts(self) -> list[str]:
        """Statements, and the same again for each further part; now and then one is a little different."""
        random = self.random
        statements = []
        count = random.randrange(1, 4)
        before = random.getstate()
        for part in range(self.parts):
            self.part = part
            random.setstate(before)
            statements += [self._statement() for _ in range(count)]
        if random.random() < 0.2:
            changed = random.randrange(len(statements))
            other = statements[changed].replace("const 7)", "const 9)").replace("offset=8", "offset=9")
            statements[changed] = re.sub(r"(\$i\) \(i32\.const -?)", r"\g<1>1", other)
        return statements

    def _address(self) -> str:
        random = self.random
        base = random.choice((*_BASES, "p", "p"))
        factor = random.choice((1, 1, 2, 0))
        index = ("", "(local.get $i)", "(i32.shl (local.get $i) (i32.const 1))")[factor]
        address = f"(i32.add (local.get ${base}) {index})" if index else f"(local.get ${base})"
        further = self.part * (self.moving[base] + factor * self.step)
        further += random.choice((0, 0, 0, 8, 8, 16, 4, -8, 1, 32, -480))
        if further:
            address = f"(i32.add {address} (i32.const {further}))"
        if random.random() < 0.2:
            address = f"(local.tee $x {address})"
        elif random.random() < 0.05:
            address = f"(i32.and {address} (i32.const 0x7f8))"
        return address

    def _place(self) -> tuple[str, int]:
        """Operands of a memarg, and a width in bytes."""
        random = self.random
        return f"$m offset={random.choice((0, 0, 0, 8, 24, 3))} align=1", random.choice((1, 2, 4, 8, 8, 8))

    def _statement(self) -> str:
        random = self.random
        place, width = self._place()
        if random.random() < 0.12:
            lane = self._lane(width)
            vector = f"(v128.load{8 * width}_lane {place} {lane} {self._address()} (i64x2.splat (local.get $s)))"
            load = f"(i64x2.extract_lane {lane * width // 8} {vector})"
        else:
            load = f"({_LOADS[width]} {place} {self._address()})"
        if random.random() < 0.15:
            load = f"(local.tee $y {load})"
        sum_ = f"(i64.add (i64.rotl (local.get $s) (i64.const 7)) {load})"
        if random.random() < 0.5:
            return f"(local.set $s {sum_})"
        place, width = self._place()
        counter = f"(i32.add (local.get $i) (i32.const {self.part * self.step}))"
        value = random.choice((f"(local.tee $s {sum_})", "(local.get $s)", f"(i64.extend_i32_u {counter})"))
        if random.random() < 0.12:
            vector = f"(i64x2.replace_lane 1 (i64x2.splat (local.get $y)) {value})"
            return f"(v128.store{8 * width}_lane {place} {self._lane(width)} {self._address()} {vector})"
        return f"({_STORES[width]} {place} {self._address()} {value})"

    def _lane(self, width: int) -> int:
        """A lane of so many bytes: of all parts the same, or of each another."""
        random = self.random
        return (random.randrange(16) + random.choice((0, self.part))) % (16 // width)

    def _copy(self) -> str:
        """What LLVM knows as memmove, memcpy or memset."""
        width = abs(self.step)
        if width not in _LOADS:
            return self._statement()
        value = self.random.choice((f"({_LOADS[width]} $m (i32.add (local.get $q) (local.get $i)))", "(i64.const -1)"))
        self.moving = dict.fromkeys(_BASES, 0)
        return f"({_STORES[width]} $m (i32.add (local.get $p) (local.get $i)) {value})"


def _i32(value: int) -> int:
    return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
