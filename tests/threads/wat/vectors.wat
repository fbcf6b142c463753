;; Each thread has vectors of its own, which are read and written whole: 64 threads, so that where they are differs.
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))
  (global $small (mut i32) (i32.const 1))
  (global $first (mut v128) (v128.const i32x4 1 2 3 4))
  (global $second (mut v128) (v128.const i32x4 5 6 7 8))
  (func $add (param $by i32)
    (global.set $small (i32.add (global.get $small) (i32.const 1)))
    (global.set $first (i32x4.add (global.get $first) (i32x4.splat (local.get $by))))
    (global.set $second (i32x4.add (global.get $second) (global.get $first))))
  ;; Adds what its vectors come to at 4, and itself to those that are done at 0.
  (func (export "wasi_thread_start") (param $number i32) (param $argument i32)
    (call $add (local.get $argument))
    (call $add (i32.const 1))
    (drop (i32.atomic.rmw.add (i32.const 4) (i32x4.extract_lane 3 (global.get $second))))
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
  (func (export "_start") (local $i i32)
    (loop $next
      (if (i32.le_s (call $spawn (local.get $i)) (i32.const 0)) (then unreachable))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (loop $wait
        (drop (memory.atomic.wait32 (i32.const 0) (i32.sub (local.get $i) (i32.const 1)) (i64.const -1)))
        (br_if $wait (i32.lt_u (i32.atomic.load (i32.const 0)) (local.get $i))))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 64))))
    ;; A thread with argument a has 8 + (4 + a) + (4 + a + 1) = 17 + 2a.
    (call $exit (i32.ne (i32.atomic.load (i32.const 4)) (i32.const 5120)))))
