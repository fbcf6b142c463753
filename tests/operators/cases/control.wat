;; Control instructions, section 4.4.8 of the specification.
(func $i (param i32) (result i32) (i32.add (local.get 0) (call $zero)))
(type $unary (func (param i32) (result i32)))

;; ---- br_table
(func $classify (param i32) (result i32)
  (block (block (block (block
    (br_table 0 1 1 2 0 3 2 1 3 (local.get 0)))
    (return (i32.const 10)))
    (return (i32.const 11)))
    (return (i32.const 12)))
  (i32.const 13))
(func $repeated (export "case br_table with repeated targets") (local $n i32)
  (loop
    (call $put_i32 (call $classify (local.get $n)))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 12))))
  (call $put_i32 (call $classify (i32.const -1)))
  (call $put_i32 (call $classify (i32.const 0x80000000))))
(func $table_value (param i32) (result i32)
  (block (result i32) (block (result i32) (block (result i32)
    (br_table 0 1 2 1 0 (i32.const 100) (local.get 0)))
    (i32.add (i32.const 1)))
    (i32.mul (i32.const 2))))
(func $valued (export "case br_table that carries a value") (local $n i32)
  (loop
    (call $put_i32 (call $table_value (local.get $n)))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 7)))))
(func $table_to_loop (export "case br_table to a loop, its block and the function") (local $n i32)
  (block $out
    (loop $again
      (call $put_i32 (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (block (br_table $again $again 0 $again $out (local.get $n)))
      (call $put_i32 (i32.const -1))
      (br $again)))
  (call $put_i32 (i32.const -2)))
(func $table_returns (param i32) (result i32 i64)
  (block (result i32 i64)
    (i32.const 7) (i64.const 8)
    (br_table 0 1 0 1 (local.get 0)))
  (drop) (i32.const 1) (i32.add) (i64.const 9))
(func $returned (export "case br_table that returns two values") (local $n i32)
  (loop
    (call $table_returns (local.get $n))
    (call $put_i64) (call $put_i32)
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5)))))
(func $table_constant (export "case br_table on a constant")
  (call $put_i32 (call $classify (i32.const 3)))
  (block (block (br_table 0 1 (i32.const 0))) (call $put_i32 (i32.const 5)))
  (block (block (br_table 0 1 (i32.const 77))) (call $put_i32 (i32.const 6))))
(func $table_only_default (export "case br_table with the default only")
  (block (br_table 0 (call $zero)))
  (call $put_i32 (i32.const 1)))
(func $table_locals (export "case br_table with other locals on each way") (local $n i32) (local $x i32)
  (loop $next
    (block $join
      (block $two
        (block $one
          (local.set $x (i32.const 5))
          (br_table $one $two $join (local.get $n)))
        (local.set $x (i32.const 6))
        (br $join))
      (local.set $x (i32.add (local.get $x) (i32.const 100))))
    (call $put_i32 (local.get $x))
    (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5)))))

;; ---- blocks with parameters and results
(func $swap (export "case block with parameters")
  (call $i (i32.const 1)) (call $i (i32.const 2))
  (block (param i32 i32) (result i32 i32 i32) (i32.const 3))
  (call $put_i32) (call $put_i32) (call $put_i32))
(func $if_parameters (param i32)
  (i32.const 10) (i64.const 20)
  (local.get 0)
  (if (param i32 i64) (result i64 i32)
    (then (drop) (i64.const 5) (i32.const 1) (i32.sub) (i64.extend_i32_s) (drop) (i64.const 6) (i32.const 7) )
    (else (i64.const 1) (i64.add) (i32.const 9) (block (param i64 i32) (result i64 i32)) )))
