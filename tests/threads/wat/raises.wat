;; A thread raises SIGTERM, as which it is not told of again; the first one waits, and would end with 3.
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))
  (func (export "wasi_thread_start") (param i32 i32)
    (drop (call $raise (local.get 1)))
    (call $exit (i32.const 4)))
  (func (export "_start")
    (drop (call $spawn (i32.const 15)))
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 20000000000)))
    (call $exit (i32.const 3))))
