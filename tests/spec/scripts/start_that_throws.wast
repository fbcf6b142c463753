;; What a start function throws ends the instantiation, and is not found pending by who is called next.
(assert_trap
  (module (tag $e) (func $start throw $e) (start $start))
  "uncaught exception")
(module
  (tag $e)
  (func $may_throw (param i32) (if (local.get 0) (then (throw $e))))
  (func (export "call") (param i32) (result i32)
    (block $caught
      (try_table (catch_all $caught) (call $may_throw (local.get 0)))
      (return (i32.const 0)))
    (i32.const 1)))
(assert_return (invoke "call" (i32.const 0)) (i32.const 0))
(assert_return (invoke "call" (i32.const 1)) (i32.const 1))
