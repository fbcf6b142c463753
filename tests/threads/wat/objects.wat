;; Each thread has a heap of objects of its own, and exceptions on it. Threads make lists that are collected and lists
;; that live, throw and catch; what they find is summed up at 8, how many have ended stands at 0.
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "env" "memory" (memory 1 4 shared))
  (export "memory" (memory 0))
  (type $node (struct (field $value i32) (field $next (mut (ref null $node)))))
  (type $box (array (mut (ref null $node))))
  (tag $odd (param i32))
  (global $kept (mut (ref null $node)) (struct.new $node (i32.const 3) (ref.null $node)))
  (table $t 2 (ref null $node))
  (elem $made (ref $node) (struct.new $node (i32.const 4) (ref.null $node)))

  (func $list (param $length i32) (result (ref null $node))
    (local $list (ref null $node))
    (loop $more
      (local.set $list (struct.new $node (local.get $length) (local.get $list)))
      (br_if $more (local.tee $length (i32.sub (local.get $length) (i32.const 1)))))
    (local.get $list))

  (func $sum (param $list (ref null $node)) (result i32)
    (local $sum i32)
    (block $end
      (loop $more
        (br_if $end (ref.is_null (local.get $list)))
        (local.set $sum (i32.add (local.get $sum) (struct.get $node $value (local.get $list))))
        (local.set $list (struct.get $node $next (local.get $list)))
        (br $more)))
    (local.get $sum))

  (func $throws (param $value i32)
    (if (i32.and (local.get $value) (i32.const 1)) (then (throw $odd (local.get $value)))))

  (func $catches (param $value i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $odd $caught) (call $throws (local.get $value)))
      (i32.const 0)))

  (func $work (result i32)
    (local $i i32) (local $sum i32) (local $box (ref null $box))
    (local.set $box (array.new_default $box (i32.const 64)))
    (global.set $kept (struct.new $node (i32.const 5) (global.get $kept)))
    (table.init $t $made (i32.const 1) (i32.const 0) (i32.const 1))
    (table.set $t (i32.const 0) (call $list (i32.const 100)))
    (loop $more
      (array.set $box (local.get $box) (i32.and (local.get $i) (i32.const 63)) (call $list (i32.const 50)))
      (local.set $sum (i32.add (local.get $sum) (call $catches (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 5000))))
    (local.set $i (i32.const 0))
    (loop $boxes
      (local.set $sum (i32.add (local.get $sum) (call $sum (array.get $box (local.get $box) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $boxes (i32.lt_u (local.get $i) (i32.const 64))))
    (local.set $sum (i32.add (local.get $sum) (call $sum (global.get $kept))))
    (local.set $sum (i32.add (local.get $sum) (call $sum (table.get $t (i32.const 0)))))
    (i32.add (local.get $sum) (call $sum (table.get $t (i32.const 1)))))

  (func (export "wasi_thread_start") (param i32 i32)
    (drop (i32.atomic.rmw.add (i32.const 8) (call $work)))
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))

  (func $say (param $number i32)
    (local $at i32)
    (local.set $at (i32.const 63))
    (i32.store8 (i32.const 63) (i32.const 10))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (br_if $digits (local.tee $number (i32.div_u (local.get $number) (i32.const 10)))))
    (i32.store (i32.const 64) (local.get $at))
    (i32.store (i32.const 68) (i32.sub (i32.const 64) (local.get $at)))
    (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 72))))

  (func (export "_start")
    (local $i i32) (local $ended i32)
    (loop $more
      (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 6))))
    (call $say (call $work))
    (loop $again
      (local.set $ended (i32.atomic.load (i32.const 0)))
      (drop (memory.atomic.wait32 (i32.const 0) (local.get $ended) (i64.const 10000000)))
      (br_if $again (i32.lt_u (i32.atomic.load (i32.const 0)) (i32.const 6))))
    (call $say (i32.atomic.load (i32.const 8)))))
