"""Random rings of functions that end with a tail call to the next one, as cases.

The functions of a ring have from none to forty parameters of any type, so that a caller has less, as much or more room
for arguments on its stack than its callee needs; they are reached directly, through tables and through references. Each
mixes all that it is given into a number, which the case writes out with the ring's results, so that an argument that
does not arrive shows. In between stand calls that are no tail calls.
"""

from __future__ import annotations

from random import Random

HOPS = 1_000_000  # of a case
STACK = 1 << 20  # bytes: one for each hop

_SUPPORT = """
(global $sum (mut i64) (i64.const 0))
(global $left (mut i32) (i32.const 0))
(func $mix (param $value i64)
  (global.set $sum (i64.rotl
    (i64.mul (i64.xor (global.get $sum) (local.get $value)) (i64.const 0x9e3779b97f4a7c15)) (i64.const 23))))
"""

_TYPES = ("i32", "i64", "f32", "f64", "v128")
_COUNTS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 17, 25, 40)
_RESULTS = ((), ("i32",), ("i64",), ("f64",), ("v128",), ("i64", "f32"), ("i32", "i64", "f64"), ("v128", "i32"))

# A value of each type as the i64s that it is made of, and made of an i64.
_PARTS = {
    "i32": ("(i64.extend_i32_u {})",),
    "i64": ("{}",),
    "f32": ("(i64.extend_i32_u (i32.reinterpret_f32 {}))",),
    "f64": ("(i64.reinterpret_f64 {})",),
    "v128": ("(i64x2.extract_lane 0 {})", "(i64x2.extract_lane 1 {})"),
}
_MADE = {
    "i32": "(i32.wrap_i64 {})",
    "i64": "{}",
    "f32": "(f32.reinterpret_i32 (i32.wrap_i64 {}))",
    "f64": "(f64.reinterpret_i64 {})",
    "v128": "(i64x2.replace_lane 1 (i64x2.splat {0}) (i64.const 0x0123456789abcdef))",
}


def fields(seed: int, count: int) -> str:
    """Fields of a module with `count` rings, a case each."""
    random = Random(seed)
    return _SUPPORT + "".join(_ring(random, number) for number in range(count))


def _parameters(random: Random) -> list[str]:
    types = random.choice((_TYPES, _TYPES, ("i32", "i64"), ("f32", "f64"), ("i64", "v128"), (random.choice(_TYPES),)))
    return [random.choice(types) for _ in range(random.choice(_COUNTS))]


def _ring(random: Random, number: int) -> str:
    signatures = [_parameters(random) for _ in range(random.choice((1, 2, 3, 4)))]
    results = random.choice(_RESULTS)
    names = [f"$ring{number}.{i}" for i in range(len(signatures))]
    text = []
    for name, types in zip(names, signatures, strict=True):
        text.append(f"(type {name}.type (func (param {' '.join(types)}) (result {' '.join(results)})))")
        text.append(f"(global {name}.global (mut (ref null {name}.type)) (ref.null {name}.type))")
    text.append(f"(table $fixed{number} funcref (elem {' '.join(names)}))")
    text.append(f"(table $written{number} {len(names)} funcref)")
    for i, name in enumerate(names):
        after = (i + 1) % len(names)
        text.append(_function(random, name, signatures[i], names[after], signatures[after], after, results, number))
    text.append(f'(func $case{number} (export "case ring {number}")')
    text.append(f"(table.copy $written{number} $fixed{number} (i32.const 0) (i32.const 0) (i32.const {len(names)}))")
    text += [f"(global.set {name}.global (ref.func {name}))" for name in names]
    text.append(f"(global.set $sum (i64.const {random.getrandbits(60)}))")
    text.append(f"(global.set $left (i32.add (call $zero) (i32.const {HOPS})))")
    text += [_fresh(random, t) for t in signatures[0]]
    text.append(f"(call {names[0]})")
    text += [f"(call $put_{t})" for t in reversed(results)]
    text.append("(call $put_i64 (global.get $sum)))\n")
    return "\n".join(text)


def _fresh(random: Random, t: str) -> str:
    return _MADE[t].format(f"(i64.add (global.get $sum) (i64.const {random.getrandbits(60)}))")


def _argument(random: Random, t: str, own: list[str]) -> str:
    """One of the caller's own, where it has one of the type: most often in another place than it was in."""
    mine = [i for i, other in enumerate(own) if other == t]
    if mine and random.random() < 0.7:
        return f"(local.get {random.choice(mine)})"
    return _fresh(random, t)


def _function(
    random: Random,
    name: str,
    own: list[str],
    callee: str,
    wanted: list[str],
    index: int,
    results: tuple[str, ...],
    number: int,
) -> str:
    text = [f"(func {name} (type {name}.type)"]
    for i, t in enumerate(own):
        text += [f"(call $mix {part.format(f'(local.get {i})')})" for part in _PARTS[t]]
    text.append("(global.set $left (i32.sub (global.get $left) (i32.const 1)))")
    if random.random() < 0.4:  # a call that comes back at once
        text.append("(if (i32.and (i32.gt_s (global.get $left) (i32.const 0)) (i32.eqz (i32.rem_u (global.get $left)")
        text.append(f"(i32.const {random.choice((50, 77))})))) (then")
        text.append("(global.set $left (i32.sub (i32.const 0) (global.get $left)))")
        text += [_argument(random, t, own) for t in wanted]
        text.append(f"(call {callee})")
        text.append("drop " * len(results))
        text.append("(global.set $left (i32.sub (i32.const -1) (global.get $left)))))")
    text.append("(if (i32.le_s (global.get $left) (i32.const 0)) (then")
    text += [_argument(random, t, own) for t in results]
    text.append("return))")
    text += [_argument(random, t, own) for t in wanted]
    way = random.choice(("direct", "direct", "fixed", "written", "reference"))
    if way == "direct":
        text.append(f"(return_call {callee}))")
    elif way == "reference":
        text.append(f"(return_call_ref {callee}.type (global.get {callee}.global)))")
    else:
        where = f"(i32.add (call $zero) (i32.const {index}))"
        text.append(f"(return_call_indirect ${way}{number} (type {callee}.type) {where}))")
    return "\n".join(text)
