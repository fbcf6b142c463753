;; Four threads at once, each of which calls itself 200,000 times by tail calls whose arguments are not all in registers. What
;; thread n is given grows by one each second call: it stores n + 100,000 and the last lane of its vector, 4.
;; 0: threads that have ended; 64: what each has stored.
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))

  (func $many (param $left i64) (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (param $last i64) (param v128)
    (result i64)
    (if (i64.eqz (local.get $left))
      (then (return (i64.add (local.get $last) (i64.extend_i32_u (i32x4.extract_lane 3 (local.get 14)))))))
    (return_call $few (local.get $left) (local.get $last) (local.get 14)))
  (func $few (param $left i64) (param $last i64) (param v128) (result i64)
    (return_call $many (i64.sub (local.get $left) (i64.const 1))
      (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)
      (i64.const 9) (i64.const 10) (i64.const 11) (i64.const 12)
      (i64.add (local.get $last) (i64.const 1)) (local.get 2)))

  (func (export "wasi_thread_start") (param i32) (param $n i32)
    (i32.store offset=64 (i32.shl (local.get $n) (i32.const 2))
      (i32.wrap_i64 (call $few (i64.const 100000) (i64.extend_i32_u (local.get $n)) (v128.const i32x4 1 2 3 4))))
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))

  (func (export "_start")
    (local $n i32)
    (loop $more
      (if (i32.le_s (call $spawn (local.get $n)) (i32.const 0)) (then unreachable))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
    (loop $again
      (drop (memory.atomic.wait32 (i32.const 0) (local.tee $n (i32.atomic.load (i32.const 0))) (i64.const 1000000)))
      (br_if $again (i32.lt_u (i32.atomic.load (i32.const 0)) (i32.const 4))))
    (local.set $n (i32.const 0))
    (loop $look
      (if (i32.ne (i32.load offset=64 (i32.shl (local.get $n) (i32.const 2))) (i32.add (local.get $n) (i32.const 100004)))
        (then unreachable))
      (br_if $look (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
    (call $exit (i32.const 7))))
