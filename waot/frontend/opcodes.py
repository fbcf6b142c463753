"""The one operator table: every operator that waot knows of, once.

Decoder, validator, lowering dispatch, disassembly, documentation and coverage tests derive from it. It covers
WebAssembly 3.0 (chapter 5.4 of the core specification, binary encoding; chapter 3.3 for the signatures) and the
proposals threads, legacy exceptions, relaxed SIMD and wide arithmetic.

A row of `_ROWS` is: encoding, name, immediates, signature and, for an operator that accesses memory, ``@width`` in
bytes. A line in brackets names the proposal of the rows below it. Columns are separated by two spaces or more.

The encoding is one byte, or ``prefix:code`` where the code is a LEB128 u32 (all in hexadecimal). The signature is
``?`` where it depends on the immediates or on the context: those operators have handlers of their own in the
validator. Addresses and counts are written as i32; where memory or table has 64-bit indices they are i64.

Immediates, comma-separated, in the order in which the encoding has them:

    blocktype                          s33: empty, a value type or a type index
    label, labels                      a depth; a vector of depths and a default
    func type table memory global local data elem tag field u32   an index or a number, u32
    memarg                             flags (alignment as log2, memory index present), memory index, offset
    lane2 .. lane16, lanes             a byte below that number; 16 bytes below 32
    i32 i64 f32 f64 v128               a constant: LEB128 signed, or little-endian bytes
    heaptype, heaptypes, valtypes      one heap type; two; a vector of value types
    castflags, catches, zero           flags of br_on_cast; a vector of catch clauses; one zero byte
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from waot.frontend.module import EXTERNREF, F32, F64, FUNCREF, I32, I64, V128, ValType

#: Proposals whose operators this version decodes, validates and lowers. The first is the MVP itself.
SUPPORTED_PROPOSALS: Final = frozenset(
    {
        "mvp",
        "sign-extension",
        "saturating-float-to-int",
        "multi-value",
        "bulk-memory",
        "reference-types",
        "simd",
        "tail-call",
        "extended-const",
        "multi-memory",
        "function-references",
        "gc",
        "exception-handling",
        "legacy-exceptions",
        "memory64",
        "custom-page-sizes",
        "wide-arithmetic",
        "threads",
        "relaxed-simd",
    }
)

#: The names that a module's features are turned on and off by: all that this version knows, beyond the MVP.
PROPOSALS: Final = (SUPPORTED_PROPOSALS | {"mutable-global"}) - {"mvp"}

_ROWS: Final = """
[mvp]
00      unreachable                           -                           ?
01      nop                                   -                           ->
02      block                                 blocktype                   ?
03      loop                                  blocktype                   ?
04      if                                    blocktype                   ?
05      else                                  -                           ?
0b      end                                   -                           ?
0c      br                                    label                       ?
0d      br_if                                 label                       ?
0e      br_table                              labels                      ?
0f      return                                -                           ?
10      call                                  func                        ?
11      call_indirect                         type,table                  ?
1a      drop                                  -                           ?
1b      select                                -                           ?
20      local.get                             local                       ?
21      local.set                             local                       ?
22      local.tee                             local                       ?
23      global.get                            global                      ?
24      global.set                            global                      ?
28      i32.load                              memarg                      i32 -> i32  @4
29      i64.load                              memarg                      i32 -> i64  @8
2a      f32.load                              memarg                      i32 -> f32  @4
2b      f64.load                              memarg                      i32 -> f64  @8
2c      i32.load8_s                           memarg                      i32 -> i32  @1
2d      i32.load8_u                           memarg                      i32 -> i32  @1
2e      i32.load16_s                          memarg                      i32 -> i32  @2
2f      i32.load16_u                          memarg                      i32 -> i32  @2
30      i64.load8_s                           memarg                      i32 -> i64  @1
31      i64.load8_u                           memarg                      i32 -> i64  @1
32      i64.load16_s                          memarg                      i32 -> i64  @2
33      i64.load16_u                          memarg                      i32 -> i64  @2
34      i64.load32_s                          memarg                      i32 -> i64  @4
35      i64.load32_u                          memarg                      i32 -> i64  @4
36      i32.store                             memarg                      i32 i32 ->  @4
37      i64.store                             memarg                      i32 i64 ->  @8
38      f32.store                             memarg                      i32 f32 ->  @4
39      f64.store                             memarg                      i32 f64 ->  @8
3a      i32.store8                            memarg                      i32 i32 ->  @1
3b      i32.store16                           memarg                      i32 i32 ->  @2
3c      i64.store8                            memarg                      i32 i64 ->  @1
3d      i64.store16                           memarg                      i32 i64 ->  @2
3e      i64.store32                           memarg                      i32 i64 ->  @4
3f      memory.size                           memory                      -> i32
40      memory.grow                           memory                      i32 -> i32
41      i32.const                             i32                         -> i32
42      i64.const                             i64                         -> i64
43      f32.const                             f32                         -> f32
44      f64.const                             f64                         -> f64
45      i32.eqz                               -                           i32 -> i32
46      i32.eq                                -                           i32 i32 -> i32
47      i32.ne                                -                           i32 i32 -> i32
48      i32.lt_s                              -                           i32 i32 -> i32
49      i32.lt_u                              -                           i32 i32 -> i32
4a      i32.gt_s                              -                           i32 i32 -> i32
4b      i32.gt_u                              -                           i32 i32 -> i32
4c      i32.le_s                              -                           i32 i32 -> i32
4d      i32.le_u                              -                           i32 i32 -> i32
4e      i32.ge_s                              -                           i32 i32 -> i32
4f      i32.ge_u                              -                           i32 i32 -> i32
50      i64.eqz                               -                           i64 -> i32
51      i64.eq                                -                           i64 i64 -> i32
52      i64.ne                                -                           i64 i64 -> i32
53      i64.lt_s                              -                           i64 i64 -> i32
54      i64.lt_u                              -                           i64 i64 -> i32
55      i64.gt_s                              -                           i64 i64 -> i32
56      i64.gt_u                              -                           i64 i64 -> i32
57      i64.le_s                              -                           i64 i64 -> i32
58      i64.le_u                              -                           i64 i64 -> i32
59      i64.ge_s                              -                           i64 i64 -> i32
5a      i64.ge_u                              -                           i64 i64 -> i32
5b      f32.eq                                -                           f32 f32 -> i32
5c      f32.ne                                -                           f32 f32 -> i32
5d      f32.lt                                -                           f32 f32 -> i32
5e      f32.gt                                -                           f32 f32 -> i32
5f      f32.le                                -                           f32 f32 -> i32
60      f32.ge                                -                           f32 f32 -> i32
61      f64.eq                                -                           f64 f64 -> i32
62      f64.ne                                -                           f64 f64 -> i32
63      f64.lt                                -                           f64 f64 -> i32
64      f64.gt                                -                           f64 f64 -> i32
65      f64.le                                -                           f64 f64 -> i32
66      f64.ge                                -                           f64 f64 -> i32
67      i32.clz                               -                           i32 -> i32
68      i32.ctz                               -                           i32 -> i32
69      i32.popcnt                            -                           i32 -> i32
6a      i32.add                               -                           i32 i32 -> i32
6b      i32.sub                               -                           i32 i32 -> i32
6c      i32.mul                               -                           i32 i32 -> i32
6d      i32.div_s                             -                           i32 i32 -> i32
6e      i32.div_u                             -                           i32 i32 -> i32
6f      i32.rem_s                             -                           i32 i32 -> i32
70      i32.rem_u                             -                           i32 i32 -> i32
71      i32.and                               -                           i32 i32 -> i32
72      i32.or                                -                           i32 i32 -> i32
73      i32.xor                               -                           i32 i32 -> i32
74      i32.shl                               -                           i32 i32 -> i32
75      i32.shr_s                             -                           i32 i32 -> i32
76      i32.shr_u                             -                           i32 i32 -> i32
77      i32.rotl                              -                           i32 i32 -> i32
78      i32.rotr                              -                           i32 i32 -> i32
79      i64.clz                               -                           i64 -> i64
7a      i64.ctz                               -                           i64 -> i64
7b      i64.popcnt                            -                           i64 -> i64
7c      i64.add                               -                           i64 i64 -> i64
7d      i64.sub                               -                           i64 i64 -> i64
7e      i64.mul                               -                           i64 i64 -> i64
7f      i64.div_s                             -                           i64 i64 -> i64
80      i64.div_u                             -                           i64 i64 -> i64
81      i64.rem_s                             -                           i64 i64 -> i64
82      i64.rem_u                             -                           i64 i64 -> i64
83      i64.and                               -                           i64 i64 -> i64
84      i64.or                                -                           i64 i64 -> i64
85      i64.xor                               -                           i64 i64 -> i64
86      i64.shl                               -                           i64 i64 -> i64
87      i64.shr_s                             -                           i64 i64 -> i64
88      i64.shr_u                             -                           i64 i64 -> i64
89      i64.rotl                              -                           i64 i64 -> i64
8a      i64.rotr                              -                           i64 i64 -> i64
8b      f32.abs                               -                           f32 -> f32
8c      f32.neg                               -                           f32 -> f32
8d      f32.ceil                              -                           f32 -> f32
8e      f32.floor                             -                           f32 -> f32
8f      f32.trunc                             -                           f32 -> f32
90      f32.nearest                           -                           f32 -> f32
91      f32.sqrt                              -                           f32 -> f32
92      f32.add                               -                           f32 f32 -> f32
93      f32.sub                               -                           f32 f32 -> f32
94      f32.mul                               -                           f32 f32 -> f32
95      f32.div                               -                           f32 f32 -> f32
96      f32.min                               -                           f32 f32 -> f32
97      f32.max                               -                           f32 f32 -> f32
98      f32.copysign                          -                           f32 f32 -> f32
99      f64.abs                               -                           f64 -> f64
9a      f64.neg                               -                           f64 -> f64
9b      f64.ceil                              -                           f64 -> f64
9c      f64.floor                             -                           f64 -> f64
9d      f64.trunc                             -                           f64 -> f64
9e      f64.nearest                           -                           f64 -> f64
9f      f64.sqrt                              -                           f64 -> f64
a0      f64.add                               -                           f64 f64 -> f64
a1      f64.sub                               -                           f64 f64 -> f64
a2      f64.mul                               -                           f64 f64 -> f64
a3      f64.div                               -                           f64 f64 -> f64
a4      f64.min                               -                           f64 f64 -> f64
a5      f64.max                               -                           f64 f64 -> f64
a6      f64.copysign                          -                           f64 f64 -> f64
a7      i32.wrap_i64                          -                           i64 -> i32
a8      i32.trunc_f32_s                       -                           f32 -> i32
a9      i32.trunc_f32_u                       -                           f32 -> i32
aa      i32.trunc_f64_s                       -                           f64 -> i32
ab      i32.trunc_f64_u                       -                           f64 -> i32
ac      i64.extend_i32_s                      -                           i32 -> i64
ad      i64.extend_i32_u                      -                           i32 -> i64
ae      i64.trunc_f32_s                       -                           f32 -> i64
af      i64.trunc_f32_u                       -                           f32 -> i64
b0      i64.trunc_f64_s                       -                           f64 -> i64
b1      i64.trunc_f64_u                       -                           f64 -> i64
b2      f32.convert_i32_s                     -                           i32 -> f32
b3      f32.convert_i32_u                     -                           i32 -> f32
b4      f32.convert_i64_s                     -                           i64 -> f32
b5      f32.convert_i64_u                     -                           i64 -> f32
b6      f32.demote_f64                        -                           f64 -> f32
b7      f64.convert_i32_s                     -                           i32 -> f64
b8      f64.convert_i32_u                     -                           i32 -> f64
b9      f64.convert_i64_s                     -                           i64 -> f64
ba      f64.convert_i64_u                     -                           i64 -> f64
bb      f64.promote_f32                       -                           f32 -> f64
bc      i32.reinterpret_f32                   -                           f32 -> i32
bd      i64.reinterpret_f64                   -                           f64 -> i64
be      f32.reinterpret_i32                   -                           i32 -> f32
bf      f64.reinterpret_i64                   -                           i64 -> f64
[sign-extension]
c0      i32.extend8_s                         -                           i32 -> i32
c1      i32.extend16_s                        -                           i32 -> i32
c2      i64.extend8_s                         -                           i64 -> i64
c3      i64.extend16_s                        -                           i64 -> i64
c4      i64.extend32_s                        -                           i64 -> i64
[saturating-float-to-int]
fc:00   i32.trunc_sat_f32_s                   -                           f32 -> i32
fc:01   i32.trunc_sat_f32_u                   -                           f32 -> i32
fc:02   i32.trunc_sat_f64_s                   -                           f64 -> i32
fc:03   i32.trunc_sat_f64_u                   -                           f64 -> i32
fc:04   i64.trunc_sat_f32_s                   -                           f32 -> i64
fc:05   i64.trunc_sat_f32_u                   -                           f32 -> i64
fc:06   i64.trunc_sat_f64_s                   -                           f64 -> i64
fc:07   i64.trunc_sat_f64_u                   -                           f64 -> i64
[bulk-memory]
fc:08   memory.init                           data,memory                 i32 i32 i32 ->
fc:09   data.drop                             data                        ->
fc:0a   memory.copy                           memory,memory               i32 i32 i32 ->
fc:0b   memory.fill                           memory                      i32 i32 i32 ->
fc:0c   table.init                            elem,table                  i32 i32 i32 ->
fc:0d   elem.drop                             elem                        ->
fc:0e   table.copy                            table,table                 i32 i32 i32 ->
[reference-types]
1c      select t                              valtypes                    ?
25      table.get                             table                       ?
26      table.set                             table                       ?
fc:0f   table.grow                            table                       ?
fc:10   table.size                            table                       -> i32
fc:11   table.fill                            table                       ?
d0      ref.null                              heaptype                    ?
d1      ref.is_null                           -                           ?
d2      ref.func                              func                        ?
[tail-call]
12      return_call                           func                        ?
13      return_call_indirect                  type,table                  ?
[simd]
fd:00   v128.load                             memarg                      i32 -> v128  @16
fd:01   v128.load8x8_s                        memarg                      i32 -> v128  @8
fd:02   v128.load8x8_u                        memarg                      i32 -> v128  @8
fd:03   v128.load16x4_s                       memarg                      i32 -> v128  @8
fd:04   v128.load16x4_u                       memarg                      i32 -> v128  @8
fd:05   v128.load32x2_s                       memarg                      i32 -> v128  @8
fd:06   v128.load32x2_u                       memarg                      i32 -> v128  @8
fd:07   v128.load8_splat                      memarg                      i32 -> v128  @1
fd:08   v128.load16_splat                     memarg                      i32 -> v128  @2
fd:09   v128.load32_splat                     memarg                      i32 -> v128  @4
fd:0a   v128.load64_splat                     memarg                      i32 -> v128  @8
fd:0b   v128.store                            memarg                      i32 v128 ->  @16
fd:0c   v128.const                            v128                        -> v128
fd:0d   i8x16.shuffle                         lanes                       v128 v128 -> v128
fd:0e   i8x16.swizzle                         -                           v128 v128 -> v128
fd:0f   i8x16.splat                           -                           i32 -> v128
fd:10   i16x8.splat                           -                           i32 -> v128
fd:11   i32x4.splat                           -                           i32 -> v128
fd:12   i64x2.splat                           -                           i64 -> v128
fd:13   f32x4.splat                           -                           f32 -> v128
fd:14   f64x2.splat                           -                           f64 -> v128
fd:15   i8x16.extract_lane_s                  lane16                      v128 -> i32
fd:16   i8x16.extract_lane_u                  lane16                      v128 -> i32
fd:17   i8x16.replace_lane                    lane16                      v128 i32 -> v128
fd:18   i16x8.extract_lane_s                  lane8                       v128 -> i32
fd:19   i16x8.extract_lane_u                  lane8                       v128 -> i32
fd:1a   i16x8.replace_lane                    lane8                       v128 i32 -> v128
fd:1b   i32x4.extract_lane                    lane4                       v128 -> i32
fd:1c   i32x4.replace_lane                    lane4                       v128 i32 -> v128
fd:1d   i64x2.extract_lane                    lane2                       v128 -> i64
fd:1e   i64x2.replace_lane                    lane2                       v128 i64 -> v128
fd:1f   f32x4.extract_lane                    lane4                       v128 -> f32
fd:20   f32x4.replace_lane                    lane4                       v128 f32 -> v128
fd:21   f64x2.extract_lane                    lane2                       v128 -> f64
fd:22   f64x2.replace_lane                    lane2                       v128 f64 -> v128
fd:23   i8x16.eq                              -                           v128 v128 -> v128
fd:24   i8x16.ne                              -                           v128 v128 -> v128
fd:25   i8x16.lt_s                            -                           v128 v128 -> v128
fd:26   i8x16.lt_u                            -                           v128 v128 -> v128
fd:27   i8x16.gt_s                            -                           v128 v128 -> v128
fd:28   i8x16.gt_u                            -                           v128 v128 -> v128
fd:29   i8x16.le_s                            -                           v128 v128 -> v128
fd:2a   i8x16.le_u                            -                           v128 v128 -> v128
fd:2b   i8x16.ge_s                            -                           v128 v128 -> v128
fd:2c   i8x16.ge_u                            -                           v128 v128 -> v128
fd:2d   i16x8.eq                              -                           v128 v128 -> v128
fd:2e   i16x8.ne                              -                           v128 v128 -> v128
fd:2f   i16x8.lt_s                            -                           v128 v128 -> v128
fd:30   i16x8.lt_u                            -                           v128 v128 -> v128
fd:31   i16x8.gt_s                            -                           v128 v128 -> v128
fd:32   i16x8.gt_u                            -                           v128 v128 -> v128
fd:33   i16x8.le_s                            -                           v128 v128 -> v128
fd:34   i16x8.le_u                            -                           v128 v128 -> v128
fd:35   i16x8.ge_s                            -                           v128 v128 -> v128
fd:36   i16x8.ge_u                            -                           v128 v128 -> v128
fd:37   i32x4.eq                              -                           v128 v128 -> v128
fd:38   i32x4.ne                              -                           v128 v128 -> v128
fd:39   i32x4.lt_s                            -                           v128 v128 -> v128
fd:3a   i32x4.lt_u                            -                           v128 v128 -> v128
fd:3b   i32x4.gt_s                            -                           v128 v128 -> v128
fd:3c   i32x4.gt_u                            -                           v128 v128 -> v128
fd:3d   i32x4.le_s                            -                           v128 v128 -> v128
fd:3e   i32x4.le_u                            -                           v128 v128 -> v128
fd:3f   i32x4.ge_s                            -                           v128 v128 -> v128
fd:40   i32x4.ge_u                            -                           v128 v128 -> v128
fd:41   f32x4.eq                              -                           v128 v128 -> v128
fd:42   f32x4.ne                              -                           v128 v128 -> v128
fd:43   f32x4.lt                              -                           v128 v128 -> v128
fd:44   f32x4.gt                              -                           v128 v128 -> v128
fd:45   f32x4.le                              -                           v128 v128 -> v128
fd:46   f32x4.ge                              -                           v128 v128 -> v128
fd:47   f64x2.eq                              -                           v128 v128 -> v128
fd:48   f64x2.ne                              -                           v128 v128 -> v128
fd:49   f64x2.lt                              -                           v128 v128 -> v128
fd:4a   f64x2.gt                              -                           v128 v128 -> v128
fd:4b   f64x2.le                              -                           v128 v128 -> v128
fd:4c   f64x2.ge                              -                           v128 v128 -> v128
fd:4d   v128.not                              -                           v128 -> v128
fd:4e   v128.and                              -                           v128 v128 -> v128
fd:4f   v128.andnot                           -                           v128 v128 -> v128
fd:50   v128.or                               -                           v128 v128 -> v128
fd:51   v128.xor                              -                           v128 v128 -> v128
fd:52   v128.bitselect                        -                           v128 v128 v128 -> v128
fd:53   v128.any_true                         -                           v128 -> i32
fd:54   v128.load8_lane                       memarg,lane16               i32 v128 -> v128  @1
fd:55   v128.load16_lane                      memarg,lane8                i32 v128 -> v128  @2
fd:56   v128.load32_lane                      memarg,lane4                i32 v128 -> v128  @4
fd:57   v128.load64_lane                      memarg,lane2                i32 v128 -> v128  @8
fd:58   v128.store8_lane                      memarg,lane16               i32 v128 ->  @1
fd:59   v128.store16_lane                     memarg,lane8                i32 v128 ->  @2
fd:5a   v128.store32_lane                     memarg,lane4                i32 v128 ->  @4
fd:5b   v128.store64_lane                     memarg,lane2                i32 v128 ->  @8
fd:5c   v128.load32_zero                      memarg                      i32 -> v128  @4
fd:5d   v128.load64_zero                      memarg                      i32 -> v128  @8
fd:5e   f32x4.demote_f64x2_zero               -                           v128 -> v128
fd:5f   f64x2.promote_low_f32x4               -                           v128 -> v128
fd:60   i8x16.abs                             -                           v128 -> v128
fd:61   i8x16.neg                             -                           v128 -> v128
fd:62   i8x16.popcnt                          -                           v128 -> v128
fd:63   i8x16.all_true                        -                           v128 -> i32
fd:64   i8x16.bitmask                         -                           v128 -> i32
fd:65   i8x16.narrow_i16x8_s                  -                           v128 v128 -> v128
fd:66   i8x16.narrow_i16x8_u                  -                           v128 v128 -> v128
fd:67   f32x4.ceil                            -                           v128 -> v128
fd:68   f32x4.floor                           -                           v128 -> v128
fd:69   f32x4.trunc                           -                           v128 -> v128
fd:6a   f32x4.nearest                         -                           v128 -> v128
fd:6b   i8x16.shl                             -                           v128 i32 -> v128
fd:6c   i8x16.shr_s                           -                           v128 i32 -> v128
fd:6d   i8x16.shr_u                           -                           v128 i32 -> v128
fd:6e   i8x16.add                             -                           v128 v128 -> v128
fd:6f   i8x16.add_sat_s                       -                           v128 v128 -> v128
fd:70   i8x16.add_sat_u                       -                           v128 v128 -> v128
fd:71   i8x16.sub                             -                           v128 v128 -> v128
fd:72   i8x16.sub_sat_s                       -                           v128 v128 -> v128
fd:73   i8x16.sub_sat_u                       -                           v128 v128 -> v128
fd:74   f64x2.ceil                            -                           v128 -> v128
fd:75   f64x2.floor                           -                           v128 -> v128
fd:76   i8x16.min_s                           -                           v128 v128 -> v128
fd:77   i8x16.min_u                           -                           v128 v128 -> v128
fd:78   i8x16.max_s                           -                           v128 v128 -> v128
fd:79   i8x16.max_u                           -                           v128 v128 -> v128
fd:7a   f64x2.trunc                           -                           v128 -> v128
fd:7b   i8x16.avgr_u                          -                           v128 v128 -> v128
fd:7c   i16x8.extadd_pairwise_i8x16_s         -                           v128 -> v128
fd:7d   i16x8.extadd_pairwise_i8x16_u         -                           v128 -> v128
fd:7e   i32x4.extadd_pairwise_i16x8_s         -                           v128 -> v128
fd:7f   i32x4.extadd_pairwise_i16x8_u         -                           v128 -> v128
fd:80   i16x8.abs                             -                           v128 -> v128
fd:81   i16x8.neg                             -                           v128 -> v128
fd:82   i16x8.q15mulr_sat_s                   -                           v128 v128 -> v128
fd:83   i16x8.all_true                        -                           v128 -> i32
fd:84   i16x8.bitmask                         -                           v128 -> i32
fd:85   i16x8.narrow_i32x4_s                  -                           v128 v128 -> v128
fd:86   i16x8.narrow_i32x4_u                  -                           v128 v128 -> v128
fd:87   i16x8.extend_low_i8x16_s              -                           v128 -> v128
fd:88   i16x8.extend_high_i8x16_s             -                           v128 -> v128
fd:89   i16x8.extend_low_i8x16_u              -                           v128 -> v128
fd:8a   i16x8.extend_high_i8x16_u             -                           v128 -> v128
fd:8b   i16x8.shl                             -                           v128 i32 -> v128
fd:8c   i16x8.shr_s                           -                           v128 i32 -> v128
fd:8d   i16x8.shr_u                           -                           v128 i32 -> v128
fd:8e   i16x8.add                             -                           v128 v128 -> v128
fd:8f   i16x8.add_sat_s                       -                           v128 v128 -> v128
fd:90   i16x8.add_sat_u                       -                           v128 v128 -> v128
fd:91   i16x8.sub                             -                           v128 v128 -> v128
fd:92   i16x8.sub_sat_s                       -                           v128 v128 -> v128
fd:93   i16x8.sub_sat_u                       -                           v128 v128 -> v128
fd:94   f64x2.nearest                         -                           v128 -> v128
fd:95   i16x8.mul                             -                           v128 v128 -> v128
fd:96   i16x8.min_s                           -                           v128 v128 -> v128
fd:97   i16x8.min_u                           -                           v128 v128 -> v128
fd:98   i16x8.max_s                           -                           v128 v128 -> v128
fd:99   i16x8.max_u                           -                           v128 v128 -> v128
fd:9b   i16x8.avgr_u                          -                           v128 v128 -> v128
fd:9c   i16x8.extmul_low_i8x16_s              -                           v128 v128 -> v128
fd:9d   i16x8.extmul_high_i8x16_s             -                           v128 v128 -> v128
fd:9e   i16x8.extmul_low_i8x16_u              -                           v128 v128 -> v128
fd:9f   i16x8.extmul_high_i8x16_u             -                           v128 v128 -> v128
fd:a0   i32x4.abs                             -                           v128 -> v128
fd:a1   i32x4.neg                             -                           v128 -> v128
fd:a3   i32x4.all_true                        -                           v128 -> i32
fd:a4   i32x4.bitmask                         -                           v128 -> i32
fd:a7   i32x4.extend_low_i16x8_s              -                           v128 -> v128
fd:a8   i32x4.extend_high_i16x8_s             -                           v128 -> v128
fd:a9   i32x4.extend_low_i16x8_u              -                           v128 -> v128
fd:aa   i32x4.extend_high_i16x8_u             -                           v128 -> v128
fd:ab   i32x4.shl                             -                           v128 i32 -> v128
fd:ac   i32x4.shr_s                           -                           v128 i32 -> v128
fd:ad   i32x4.shr_u                           -                           v128 i32 -> v128
fd:ae   i32x4.add                             -                           v128 v128 -> v128
fd:b1   i32x4.sub                             -                           v128 v128 -> v128
fd:b5   i32x4.mul                             -                           v128 v128 -> v128
fd:b6   i32x4.min_s                           -                           v128 v128 -> v128
fd:b7   i32x4.min_u                           -                           v128 v128 -> v128
fd:b8   i32x4.max_s                           -                           v128 v128 -> v128
fd:b9   i32x4.max_u                           -                           v128 v128 -> v128
fd:ba   i32x4.dot_i16x8_s                     -                           v128 v128 -> v128
fd:bc   i32x4.extmul_low_i16x8_s              -                           v128 v128 -> v128
fd:bd   i32x4.extmul_high_i16x8_s             -                           v128 v128 -> v128
fd:be   i32x4.extmul_low_i16x8_u              -                           v128 v128 -> v128
fd:bf   i32x4.extmul_high_i16x8_u             -                           v128 v128 -> v128
fd:c0   i64x2.abs                             -                           v128 -> v128
fd:c1   i64x2.neg                             -                           v128 -> v128
fd:c3   i64x2.all_true                        -                           v128 -> i32
fd:c4   i64x2.bitmask                         -                           v128 -> i32
fd:c7   i64x2.extend_low_i32x4_s              -                           v128 -> v128
fd:c8   i64x2.extend_high_i32x4_s             -                           v128 -> v128
fd:c9   i64x2.extend_low_i32x4_u              -                           v128 -> v128
fd:ca   i64x2.extend_high_i32x4_u             -                           v128 -> v128
fd:cb   i64x2.shl                             -                           v128 i32 -> v128
fd:cc   i64x2.shr_s                           -                           v128 i32 -> v128
fd:cd   i64x2.shr_u                           -                           v128 i32 -> v128
fd:ce   i64x2.add                             -                           v128 v128 -> v128
fd:d1   i64x2.sub                             -                           v128 v128 -> v128
fd:d5   i64x2.mul                             -                           v128 v128 -> v128
fd:d6   i64x2.eq                              -                           v128 v128 -> v128
fd:d7   i64x2.ne                              -                           v128 v128 -> v128
fd:d8   i64x2.lt_s                            -                           v128 v128 -> v128
fd:d9   i64x2.gt_s                            -                           v128 v128 -> v128
fd:da   i64x2.le_s                            -                           v128 v128 -> v128
fd:db   i64x2.ge_s                            -                           v128 v128 -> v128
fd:dc   i64x2.extmul_low_i32x4_s              -                           v128 v128 -> v128
fd:dd   i64x2.extmul_high_i32x4_s             -                           v128 v128 -> v128
fd:de   i64x2.extmul_low_i32x4_u              -                           v128 v128 -> v128
fd:df   i64x2.extmul_high_i32x4_u             -                           v128 v128 -> v128
fd:e0   f32x4.abs                             -                           v128 -> v128
fd:e1   f32x4.neg                             -                           v128 -> v128
fd:e3   f32x4.sqrt                            -                           v128 -> v128
fd:e4   f32x4.add                             -                           v128 v128 -> v128
fd:e5   f32x4.sub                             -                           v128 v128 -> v128
fd:e6   f32x4.mul                             -                           v128 v128 -> v128
fd:e7   f32x4.div                             -                           v128 v128 -> v128
fd:e8   f32x4.min                             -                           v128 v128 -> v128
fd:e9   f32x4.max                             -                           v128 v128 -> v128
fd:ea   f32x4.pmin                            -                           v128 v128 -> v128
fd:eb   f32x4.pmax                            -                           v128 v128 -> v128
fd:ec   f64x2.abs                             -                           v128 -> v128
fd:ed   f64x2.neg                             -                           v128 -> v128
fd:ef   f64x2.sqrt                            -                           v128 -> v128
fd:f0   f64x2.add                             -                           v128 v128 -> v128
fd:f1   f64x2.sub                             -                           v128 v128 -> v128
fd:f2   f64x2.mul                             -                           v128 v128 -> v128
fd:f3   f64x2.div                             -                           v128 v128 -> v128
fd:f4   f64x2.min                             -                           v128 v128 -> v128
fd:f5   f64x2.max                             -                           v128 v128 -> v128
fd:f6   f64x2.pmin                            -                           v128 v128 -> v128
fd:f7   f64x2.pmax                            -                           v128 v128 -> v128
fd:f8   i32x4.trunc_sat_f32x4_s               -                           v128 -> v128
fd:f9   i32x4.trunc_sat_f32x4_u               -                           v128 -> v128
fd:fa   f32x4.convert_i32x4_s                 -                           v128 -> v128
fd:fb   f32x4.convert_i32x4_u                 -                           v128 -> v128
fd:fc   i32x4.trunc_sat_f64x2_s_zero          -                           v128 -> v128
fd:fd   i32x4.trunc_sat_f64x2_u_zero          -                           v128 -> v128
fd:fe   f64x2.convert_low_i32x4_s             -                           v128 -> v128
fd:ff   f64x2.convert_low_i32x4_u             -                           v128 -> v128
[relaxed-simd]
fd:100  i8x16.relaxed_swizzle                 -                           v128 v128 -> v128
fd:101  i32x4.relaxed_trunc_f32x4_s           -                           v128 -> v128
fd:102  i32x4.relaxed_trunc_f32x4_u           -                           v128 -> v128
fd:103  i32x4.relaxed_trunc_f64x2_s_zero      -                           v128 -> v128
fd:104  i32x4.relaxed_trunc_f64x2_u_zero      -                           v128 -> v128
fd:105  f32x4.relaxed_madd                    -                           v128 v128 v128 -> v128
fd:106  f32x4.relaxed_nmadd                   -                           v128 v128 v128 -> v128
fd:107  f64x2.relaxed_madd                    -                           v128 v128 v128 -> v128
fd:108  f64x2.relaxed_nmadd                   -                           v128 v128 v128 -> v128
fd:109  i8x16.relaxed_laneselect              -                           v128 v128 v128 -> v128
fd:10a  i16x8.relaxed_laneselect              -                           v128 v128 v128 -> v128
fd:10b  i32x4.relaxed_laneselect              -                           v128 v128 v128 -> v128
fd:10c  i64x2.relaxed_laneselect              -                           v128 v128 v128 -> v128
fd:10d  f32x4.relaxed_min                     -                           v128 v128 -> v128
fd:10e  f32x4.relaxed_max                     -                           v128 v128 -> v128
fd:10f  f64x2.relaxed_min                     -                           v128 v128 -> v128
fd:110  f64x2.relaxed_max                     -                           v128 v128 -> v128
fd:111  i16x8.relaxed_q15mulr_s               -                           v128 v128 -> v128
fd:112  i16x8.relaxed_dot_i8x16_i7x16_s       -                           v128 v128 -> v128
fd:113  i32x4.relaxed_dot_i8x16_i7x16_add_s   -                           v128 v128 v128 -> v128
[exception-handling]
08      throw                                 tag                         ?
0a      throw_ref                             -                           ?
1f      try_table                             blocktype,catches           ?
[legacy-exceptions]
06      try                                   blocktype                   ?
07      catch                                 tag                         ?
09      rethrow                               label                       ?
18      delegate                              label                       ?
19      catch_all                             -                           ?
[function-references]
14      call_ref                              type                        ?
15      return_call_ref                       type                        ?
d4      ref.as_non_null                       -                           ?
d5      br_on_null                            label                       ?
d6      br_on_non_null                        label                       ?
[gc]
d3      ref.eq                                -                           ?
fb:00   struct.new                            type                        ?
fb:01   struct.new_default                    type                        ?
fb:02   struct.get                            type,field                  ?
fb:03   struct.get_s                          type,field                  ?
fb:04   struct.get_u                          type,field                  ?
fb:05   struct.set                            type,field                  ?
fb:06   array.new                             type                        ?
fb:07   array.new_default                     type                        ?
fb:08   array.new_fixed                       type,u32                    ?
fb:09   array.new_data                        type,data                   ?
fb:0a   array.new_elem                        type,elem                   ?
fb:0b   array.get                             type                        ?
fb:0c   array.get_s                           type                        ?
fb:0d   array.get_u                           type                        ?
fb:0e   array.set                             type                        ?
fb:0f   array.len                             -                           ?
fb:10   array.fill                            type                        ?
fb:11   array.copy                            type,type                   ?
fb:12   array.init_data                       type,data                   ?
fb:13   array.init_elem                       type,elem                   ?
fb:14   ref.test                              heaptype                    ?
fb:15   ref.test null                         heaptype                    ?
fb:16   ref.cast                              heaptype                    ?
fb:17   ref.cast null                         heaptype                    ?
fb:18   br_on_cast                            castflags,label,heaptypes   ?
fb:19   br_on_cast_fail                       castflags,label,heaptypes   ?
fb:1a   any.convert_extern                    -                           ?
fb:1b   extern.convert_any                    -                           ?
fb:1c   ref.i31                               -                           ?
fb:1d   i31.get_s                             -                           ?
fb:1e   i31.get_u                             -                           ?
[wide-arithmetic]
fc:13   i64.add128                            -                           i64 i64 i64 i64 -> i64 i64
fc:14   i64.sub128                            -                           i64 i64 i64 i64 -> i64 i64
fc:15   i64.mul_wide_s                        -                           i64 i64 -> i64 i64
fc:16   i64.mul_wide_u                        -                           i64 i64 -> i64 i64
[threads]
fe:00   memory.atomic.notify                  memarg                      i32 i32 -> i32  @4
fe:01   memory.atomic.wait32                  memarg                      i32 i32 i64 -> i32  @4
fe:02   memory.atomic.wait64                  memarg                      i32 i64 i64 -> i32  @8
fe:03   atomic.fence                          zero                        ->
fe:10   i32.atomic.load                       memarg                      i32 -> i32  @4
fe:11   i64.atomic.load                       memarg                      i32 -> i64  @8
fe:12   i32.atomic.load8_u                    memarg                      i32 -> i32  @1
fe:13   i32.atomic.load16_u                   memarg                      i32 -> i32  @2
fe:14   i64.atomic.load8_u                    memarg                      i32 -> i64  @1
fe:15   i64.atomic.load16_u                   memarg                      i32 -> i64  @2
fe:16   i64.atomic.load32_u                   memarg                      i32 -> i64  @4
fe:17   i32.atomic.store                      memarg                      i32 i32 ->  @4
fe:18   i64.atomic.store                      memarg                      i32 i64 ->  @8
fe:19   i32.atomic.store8                     memarg                      i32 i32 ->  @1
fe:1a   i32.atomic.store16                    memarg                      i32 i32 ->  @2
fe:1b   i64.atomic.store8                     memarg                      i32 i64 ->  @1
fe:1c   i64.atomic.store16                    memarg                      i32 i64 ->  @2
fe:1d   i64.atomic.store32                    memarg                      i32 i64 ->  @4
fe:1e   i32.atomic.rmw.add                    memarg                      i32 i32 -> i32  @4
fe:1f   i64.atomic.rmw.add                    memarg                      i32 i64 -> i64  @8
fe:20   i32.atomic.rmw8.add_u                 memarg                      i32 i32 -> i32  @1
fe:21   i32.atomic.rmw16.add_u                memarg                      i32 i32 -> i32  @2
fe:22   i64.atomic.rmw8.add_u                 memarg                      i32 i64 -> i64  @1
fe:23   i64.atomic.rmw16.add_u                memarg                      i32 i64 -> i64  @2
fe:24   i64.atomic.rmw32.add_u                memarg                      i32 i64 -> i64  @4
fe:25   i32.atomic.rmw.sub                    memarg                      i32 i32 -> i32  @4
fe:26   i64.atomic.rmw.sub                    memarg                      i32 i64 -> i64  @8
fe:27   i32.atomic.rmw8.sub_u                 memarg                      i32 i32 -> i32  @1
fe:28   i32.atomic.rmw16.sub_u                memarg                      i32 i32 -> i32  @2
fe:29   i64.atomic.rmw8.sub_u                 memarg                      i32 i64 -> i64  @1
fe:2a   i64.atomic.rmw16.sub_u                memarg                      i32 i64 -> i64  @2
fe:2b   i64.atomic.rmw32.sub_u                memarg                      i32 i64 -> i64  @4
fe:2c   i32.atomic.rmw.and                    memarg                      i32 i32 -> i32  @4
fe:2d   i64.atomic.rmw.and                    memarg                      i32 i64 -> i64  @8
fe:2e   i32.atomic.rmw8.and_u                 memarg                      i32 i32 -> i32  @1
fe:2f   i32.atomic.rmw16.and_u                memarg                      i32 i32 -> i32  @2
fe:30   i64.atomic.rmw8.and_u                 memarg                      i32 i64 -> i64  @1
fe:31   i64.atomic.rmw16.and_u                memarg                      i32 i64 -> i64  @2
fe:32   i64.atomic.rmw32.and_u                memarg                      i32 i64 -> i64  @4
fe:33   i32.atomic.rmw.or                     memarg                      i32 i32 -> i32  @4
fe:34   i64.atomic.rmw.or                     memarg                      i32 i64 -> i64  @8
fe:35   i32.atomic.rmw8.or_u                  memarg                      i32 i32 -> i32  @1
fe:36   i32.atomic.rmw16.or_u                 memarg                      i32 i32 -> i32  @2
fe:37   i64.atomic.rmw8.or_u                  memarg                      i32 i64 -> i64  @1
fe:38   i64.atomic.rmw16.or_u                 memarg                      i32 i64 -> i64  @2
fe:39   i64.atomic.rmw32.or_u                 memarg                      i32 i64 -> i64  @4
fe:3a   i32.atomic.rmw.xor                    memarg                      i32 i32 -> i32  @4
fe:3b   i64.atomic.rmw.xor                    memarg                      i32 i64 -> i64  @8
fe:3c   i32.atomic.rmw8.xor_u                 memarg                      i32 i32 -> i32  @1
fe:3d   i32.atomic.rmw16.xor_u                memarg                      i32 i32 -> i32  @2
fe:3e   i64.atomic.rmw8.xor_u                 memarg                      i32 i64 -> i64  @1
fe:3f   i64.atomic.rmw16.xor_u                memarg                      i32 i64 -> i64  @2
fe:40   i64.atomic.rmw32.xor_u                memarg                      i32 i64 -> i64  @4
fe:41   i32.atomic.rmw.xchg                   memarg                      i32 i32 -> i32  @4
fe:42   i64.atomic.rmw.xchg                   memarg                      i32 i64 -> i64  @8
fe:43   i32.atomic.rmw8.xchg_u                memarg                      i32 i32 -> i32  @1
fe:44   i32.atomic.rmw16.xchg_u               memarg                      i32 i32 -> i32  @2
fe:45   i64.atomic.rmw8.xchg_u                memarg                      i32 i64 -> i64  @1
fe:46   i64.atomic.rmw16.xchg_u               memarg                      i32 i64 -> i64  @2
fe:47   i64.atomic.rmw32.xchg_u               memarg                      i32 i64 -> i64  @4
fe:48   i32.atomic.rmw.cmpxchg                memarg                      i32 i32 i32 -> i32  @4
fe:49   i64.atomic.rmw.cmpxchg                memarg                      i32 i64 i64 -> i64  @8
fe:4a   i32.atomic.rmw8.cmpxchg_u             memarg                      i32 i32 i32 -> i32  @1
fe:4b   i32.atomic.rmw16.cmpxchg_u            memarg                      i32 i32 i32 -> i32  @2
fe:4c   i64.atomic.rmw8.cmpxchg_u             memarg                      i32 i64 i64 -> i64  @1
fe:4d   i64.atomic.rmw16.cmpxchg_u            memarg                      i32 i64 i64 -> i64  @2
fe:4e   i64.atomic.rmw32.cmpxchg_u            memarg                      i32 i64 i64 -> i64  @4
"""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: a row of the table.

    `prefix` is None for an operator of one byte. `params` and `results` are None where they depend on the
    immediates or the context. `width` is the number of bytes of memory accessed and `align` the natural alignment,
    which is also the largest that a memarg may state, as log2 of bytes; both None where no memory is accessed.
    """

    index: int  # position in OPERATORS
    name: str
    prefix: int | None
    code: int
    immediates: tuple[str, ...]
    params: tuple[ValType, ...] | None
    results: tuple[ValType, ...] | None
    proposal: str
    width: int | None
    align: int | None
    supported: bool

    @property
    def encoding(self) -> str:
        """The opcode in hexadecimal as the specification prints it: ``0x6a`` or ``0xfd 0x0c``."""
        return f"0x{self.code:02x}" if self.prefix is None else f"0x{self.prefix:02x} 0x{self.code:02x}"


_TYPES: Final = {t.name: t for t in (I32, I64, F32, F64, V128, FUNCREF, EXTERNREF)}


def _parse_rows(rows: str) -> tuple[Operator, ...]:
    operators: list[Operator] = []
    proposal = ""
    for row in rows.strip().splitlines():
        if row.startswith("["):
            proposal = row.strip("[]")
            continue
        encoding, name, immediates, signature, *width = [c.strip() for c in row.split("  ") if c.strip()]
        prefix, _, code = encoding.rpartition(":")
        size = int(width[0].removeprefix("@")) if width else None
        params: tuple[ValType, ...] | None = None
        results: tuple[ValType, ...] | None = None
        if signature != "?":
            before, _, after = signature.partition("->")
            params = tuple(_TYPES[t] for t in before.split())
            results = tuple(_TYPES[t] for t in after.split())
        operators.append(
            Operator(
                index=len(operators),
                name=name,
                prefix=int(prefix, 16) if prefix else None,
                code=int(code, 16),
                immediates=() if immediates == "-" else tuple(immediates.split(",")),
                params=params,
                results=results,
                proposal=proposal,
                width=size,
                align=size.bit_length() - 1 if size else None,
                supported=proposal in SUPPORTED_PROPOSALS,
            )
        )
    return tuple(operators)


#: Every operator; an operator's `index` is its position.
OPERATORS: Final[tuple[Operator, ...]] = _parse_rows(_ROWS)

#: Every operator by its name in the text format; the typed select is ``select t``, and casts to nullable references
#: are ``ref.test null`` and ``ref.cast null``.
BY_NAME: Final[dict[str, Operator]] = {op.name: op for op in OPERATORS}

#: Prefix bytes of operators with a second code.
PREFIXES: Final = (0xFB, 0xFC, 0xFD, 0xFE)

#: Operators of one byte, by that byte; None for what is no operator (and for the prefixes).
ONE_BYTE: Final[tuple[Operator | None, ...]] = tuple(
    map({op.code: op for op in OPERATORS if op.prefix is None}.get, range(256))
)

#: Operators behind a prefix: ``PREFIXED[prefix].get(code)``.
PREFIXED: Final[dict[int, dict[int, Operator]]] = {
    prefix: {op.code: op for op in OPERATORS if op.prefix == prefix} for prefix in PREFIXES
}


def find(prefix: int | None, code: int) -> Operator | None:
    """The operator with this encoding, or None if there is none."""
    if prefix is None:
        return ONE_BYTE[code]
    return PREFIXED[prefix].get(code)
