;; Two thousand threads one after the other, each of which lets a table grow far and makes objects: all of it goes with the
;; thread. 0: threads that have ended.
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "memory" (memory 1 4 shared))
  (export "memory" (memory 0))
  (type $node (struct (field (ref null $node))))
  (table $t 4 1000000 funcref)

  (func (export "wasi_thread_start") (param i32 i32)
    (local $list (ref null $node)) (local $i i32)
    (if (i32.ne (table.grow $t (ref.null func) (i32.const 200000)) (i32.const 4)) (then unreachable))
    (if (i32.ne (table.grow $t (ref.null func) (i32.const 400000)) (i32.const 200004)) (then unreachable))
    (loop $more
      (local.set $list (struct.new $node (local.get $list)))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))

  (func (export "_start")
    (local $i i32)
    (loop $more
      ;; The thread before may still be giving back what it had.
      (loop $try (br_if $try (i32.le_s (call $spawn (i32.const 0)) (i32.const 0))))
      (loop $again
        (drop (memory.atomic.wait32 (i32.const 0) (local.get $i) (i64.const -1)))
        (br_if $again (i32.eq (i32.atomic.load (i32.const 0)) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 2000))))
    (call $exit (i32.const 7))))
