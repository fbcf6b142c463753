;; A start function runs after the segments are written and before `_start`.
(memory $m 1)
(data (memory $m) (i32.const 0) "\05")
(global $g (mut i32) (i32.const 1))
(table $t 1 1 funcref)
(elem (table $t) (i32.const 0) func $callee)
(type $none (func))
(func $callee (global.set $g (i32.add (global.get $g) (i32.const 10))))
(func $begin
  (call_indirect $t (type $none) (i32.const 0))
  (i32.store $m (i32.const 4) (i32.add (i32.load8_u $m (i32.const 0)) (global.get $g)))
  (call $put_i32 (i32.const 1234)))
(start $begin)
(func $seen (export "case start function") (call $put_i32 (i32.load $m (i32.const 4))) (call $put_i32 (global.get $g)))
