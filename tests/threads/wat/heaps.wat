;; Twelve threads that all live at once, each with a heap of objects as large as that of the others. 0: threads that have
;; made theirs; 4: that have ended; 8: the sum of what they found.
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))
  (type $node (struct (field $value i32) (field $next (ref null $node))))

  (func $count (param $place i32)
    (drop (i32.atomic.rmw.add (local.get $place) (i32.const 1)))
    (drop (memory.atomic.notify (local.get $place) (i32.const -1))))

  (func $wait (param $place i32) (local $seen i32)
    (loop $again
      (local.set $seen (i32.atomic.load (local.get $place)))
      (if (i32.lt_u (local.get $seen) (i32.const 12))
        (then
          (drop (memory.atomic.wait32 (local.get $place) (local.get $seen) (i64.const -1)))
          (br $again)))))

  (func (export "wasi_thread_start") (param i32 i32)
    (local $list (ref null $node)) (local $i i32) (local $sum i32)
    (loop $more
      (local.set $list (struct.new $node (local.get 1) (local.get $list)))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200000))))
    (call $count (i32.const 0))
    (call $wait (i32.const 0))
    (block $end
      (loop $more
        (br_if $end (ref.is_null (local.get $list)))
        (local.set $sum (i32.add (local.get $sum) (struct.get $node $value (local.get $list))))
        (local.set $list (struct.get $node $next (local.get $list)))
        (br $more)))
    (drop (i32.atomic.rmw.add (i32.const 8) (local.get $sum)))
    (call $count (i32.const 4)))

  (func (export "_start") (local $i i32)
    (loop $more
      (if (i32.le_s (call $spawn (i32.add (local.get $i) (i32.const 1))) (i32.const 0)) (then unreachable))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 12))))
    (call $wait (i32.const 4))
    ;; 1 to 12, 200,000 times
    (call $exit (select (i32.const 7) (i32.const 8) (i32.eq (i32.atomic.load (i32.const 8)) (i32.const 15600000))))))
