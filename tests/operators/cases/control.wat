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
  (call $i (i32.const 10)) (i64.const 20)
  (local.get 0)
  (if (param i32 i64) (result i64 i32)
    (then (call $put_i64) (call $put_i32) (i64.const 6) (i32.const 7))
    (else (i64.const 1) (i64.add) (call $put_i64) (call $put_i32) (i64.const 8) (i32.const 9)))
  (call $put_i32) (call $put_i64))
(func $if_with_parameters (export "case if with parameters")
  (call $if_parameters (call $i (i32.const 1))) (call $if_parameters (call $zero)))
(func $if_passes (export "case if without else passes its parameters")
  (call $i (i32.const 4)) (i64.const 5)
  (call $zero)
  (if (param i32 i64) (result i32 i64) (then (i64.const 1) (i64.add)))
  (call $put_i64) (call $put_i32)
  (call $i (i32.const 4)) (i64.const 5)
  (i32.eqz (call $zero))
  (if (param i32 i64) (result i32 i64) (then (i64.const 1) (i64.add)))
  (call $put_i64) (call $put_i32))
(func $loop_parameters (export "case loop with parameters") (local $n i32)
  (i32.const 0) (i64.const 1)
  (loop (param i32 i64) (result i32 i64)
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (i64.const 3) (i64.mul)
    (i32.and (local.get $n) (i32.const 1))
    (if (param i32 i64) (result i32 i64)
      (then)
      (else (call $put_i64) (local.get $n) (i32.add) (i64.const 7)))
    (br_if 0 (i32.lt_u (local.get $n) (i32.const 10))))
  (call $put_i64) (call $put_i32))
(func $loop_swaps (export "case loop that exchanges its locals") (local $a i32) (local $b i32) (local $t i32) (local $n i32)
  (local.set $a (call $i (i32.const 1))) (local.set $b (call $i (i32.const 2)))
  (loop
    (local.set $t (local.get $a)) (local.set $a (local.get $b)) (local.set $b (local.get $t))
    (call $put_i32 (local.get $a)) (call $put_i32 (local.get $b))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3)))))
(func $nested_loops (export "case loops in loops with shared locals") (local $i i32) (local $j i32) (local $s i64)
  (loop $outer
    (local.set $j (i32.const 0))
    (loop $inner
      (local.set $s (i64.add (i64.mul (local.get $s) (i64.const 31)) (i64.extend_i32_u (i32.xor (local.get $i) (local.get $j)))))
      (local.set $j (i32.add (local.get $j) (i32.const 1)))
      (br_if $outer (i32.and (i32.eq (local.get $j) (i32.const 5))
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
      (br_if $inner (i32.lt_u (local.get $j) (i32.const 10))))
    (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40))))
  (call $put_i64 (local.get $s)) (call $put_i32 (local.get $i)) (call $put_i32 (local.get $j)))
(func $branch_values (export "case br_if keeps its values") (local $n i32)
  (loop $again
    (block (result i32 i64)
      (call $i (i32.const 5)) (i64.const 6)
      (br_if 0 (local.get $n))
      (drop) (i64.const 60))
    (call $put_i64) (call $put_i32)
    (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 2)))))
(func $tee_in_condition (export "case br_if whose condition sets a local") (local $x i32)
  (block
    (br_if 0 (local.tee $x (call $i (i32.const 3))))
    (local.set $x (i32.const 4)))
  (call $put_i32 (local.get $x)))

;; ---- what cannot be reached
(func $after_unreachable (param i32) (result i32)
  (if (local.get 0) (then (return (i32.const 1)) (unreachable) (drop) (i32.add) (drop) (br 0)))
  (block (result i32) (br 0 (i32.const 2)) (i64.const 1) (drop) (select) (i32.const 1) (i32.add)))
(func $dead_code (export "case code that cannot be reached")
  (call $put_i32 (call $after_unreachable (call $zero))) (call $put_i32 (call $after_unreachable (call $i (i32.const 1)))))
(func $dead_join (export "case join that nothing reaches")
  (block $out
    (block (br $out) (call $put_i32 (i32.const 9)))
    (call $put_i32 (i32.const 8)))
  (block (result i32) (block (result i32) (br 1 (i32.const 4))) (drop) (i32.const 5))
  (call $put_i32))
(func $dead_loop_end (export "case loop whose end is not reached") (local $n i32)
  (block
    (loop
      (br_if 1 (i32.eq (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3)))
      (br 0)))
  (call $put_i32 (local.get $n)))
(func $dead_both (param i32) (result i32)
  (if (result i32) (local.get 0) (then (return (i32.const 1))) (else (return (i32.const 2)))))
(func $both_arms_leave (export "case if whose arms both leave")
  (call $put_i32 (call $dead_both (call $zero))) (call $put_i32 (call $dead_both (call $i (i32.const 1)))))

;; ---- values
(func $selects (export "case select of every type")
  (call $put_i32 (select (i32.const 1) (i32.const 2) (call $zero)))
  (call $put_i64 (select (i64.const 1) (i64.const 2) (call $i (i32.const 1))))
  (call $put_i64 (select (result i64) (i64.const 1) (i64.const 2) (call $i (i32.const 256))))
  (call $put_f32 (select (f32.const 1) (f32.const nan:0x12345) (call $zero)))
  (call $put_f64 (select (f64.const nan:0x123456789) (f64.const 2) (call $i (i32.const -1))))
  (call $put_v128 (select (v128.const i64x2 1 2) (v128.const i64x2 3 4) (call $zero)))
  (call $put_i32 (ref.is_null (select (result funcref) (ref.null func) (ref.func $i) (call $zero))))
  (call $put_i32 (ref.is_null (select (result funcref) (ref.null func) (ref.func $i) (i32.const 1)))))
(elem declare func $i)
(func $pair (param i32) (result i32 i64) (local.get 0) (i64.extend_i32_u (i32.mul (local.get 0) (i32.const 3))))
(func $triple (param i32) (result i32 f32 i64) (local.get 0) (f32.convert_i32_s (local.get 0)) (i64.const 5))
(func $seven (param i32) (result i32 i64 f32 f64 v128 funcref i32)
  (local.get 0) (i64.const -2) (f32.const 1.5) (f64.const -2.5) (v128.const i32x4 1 2 3 4) (ref.func $i) (i32.const 77))
(func $seven_again (param i32) (result i32 i64 f32 f64 v128 funcref i32) (return_call $seven (i32.add (local.get 0) (i32.const 1))))
(type $seven (func (param i32) (result i32 i64 f32 f64 v128 funcref i32)))
(func $show_seven (param i32 i64 f32 f64 v128 funcref i32)
  (call $put_i32 (local.get 0)) (call $put_i64 (local.get 1)) (call $put_f32 (local.get 2)) (call $put_f64 (local.get 3))
  (call $put_v128 (local.get 4)) (call $put_i32 (ref.is_null (local.get 5))) (call $put_i32 (local.get 6)))
(func $results (export "case functions with two, three and seven results")
  (call $pair (call $i (i32.const 5))) (call $put_i64) (call $put_i32)
  (call $triple (call $i (i32.const 5))) (call $put_i64) (call $put_f32) (call $put_i32)
  (call $seven (call $i (i32.const 5))) (call $show_seven)
  (call $show_seven (call $seven_again (i32.const 9)))
  (call $show_seven (call_indirect $t (type $seven) (i32.const 8) (call $i (i32.const 0)))))
(func $both_kept (export "case results of one call kept over another") (local $x i64)
  (call $triple (i32.const 1)) (call $triple (i32.const 2)) (call $put_i64) (call $put_f32) (call $put_i32)
  (call $put_i64) (call $put_f32) (call $put_i32))
(table $t 2 2 funcref)
(elem (table $t) (i32.const 0) func $seven $ack_i)
(func $locals_start_zero (export "case locals start as zero") (local i32 i64 f32 f64 v128 funcref externref)
  (call $put_i32 (local.get 0)) (call $put_i64 (local.get 1)) (call $put_f32 (local.get 2)) (call $put_f64 (local.get 3))
  (call $put_v128 (local.get 4)) (call $put_i32 (ref.is_null (local.get 5))) (call $put_i32 (ref.is_null (local.get 6))))
(func $nop (export "case nop") (nop) (call $put_i32 (nop) (i32.const 1) (nop)))

;; ---- recursion and tail calls
(func $ack (param i32 i32) (result i32)
  (if (result i32) (i32.eqz (local.get 0))
    (then (i32.add (local.get 1) (i32.const 1)))
    (else (if (result i32) (i32.eqz (local.get 1))
      (then (call $ack (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
      (else (call $ack (i32.sub (local.get 0) (i32.const 1)) (call $ack (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))))))
(func $ack_i (param i32) (result i32) (call $ack (i32.const 2) (local.get 0)))
(func $recursion (export "case recursion") (call $put_i32 (call $ack (i32.const 2) (call $i (i32.const 5)))))
(func $even (param i32) (result i32)
  (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1)) (else (return_call $odd (i32.sub (local.get 0) (i32.const 1))))))
(func $odd (param i32) (result i32)
  (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
  (return_call $even (i32.sub (local.get 0) (i32.const 1))))
(func $deep_tail (export "case mutual tail recursion, a million deep") (call $put_i32 (call $even (call $i (i32.const 1000001)))))
;; Other signatures on the way: more parameters than registers, of every type, and results in memory.
(func $few (param i32) (result i64)
  (if (i32.eqz (local.get 0)) (then (return (i64.const 42))))
  (return_call $many (i64.const 1) (f32.const 2) (i32.sub (local.get 0) (i32.const 1)) (f64.const 3) (v128.const i64x2 4 5)
    (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10) (i32.const 11) (f64.const 12)))
(func $many (param i64 f32 i32 f64 v128 i64 i64 i64 i64 i64 i32 f64) (result i64)
  (if (i32.eqz (local.get 2)) (then (return (i64.add (local.get 5) (i64.extend_i32_s (local.get 10))))))
  (return_call $few (i32.sub (local.get 2) (i32.const 1))))
(func $deep_many (export "case tail recursion between signatures, a million deep")
  (call $put_i64 (call $few (call $i (i32.const 1000000)))) (call $put_i64 (call $few (call $i (i32.const 1000001)))))
(type $tail (func (param i32 i64) (result i64)))
(type $tail_more (func (param i32 i64 i64 i64 i64 i64 i64 f64 i64) (result i64)))
(table $tails 4 4 funcref)
(elem (table $tails) (i32.const 0) func $tail_a $tail_b $i)
(func $tail_a (type $tail)
  (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
  (return_call_indirect $tails (type $tail_more) (i32.sub (local.get 0) (i32.const 1)) (i64.const 1) (i64.const 2) (i64.const 3)
    (i64.const 4) (i64.const 5) (i64.const 6) (f64.const 7) (i64.add (local.get 1) (i64.const 2)) (i32.const 1)))
(func $tail_b (type $tail_more)
  (if (i32.eqz (local.get 0)) (then (return (i64.sub (i64.const 0) (local.get 8)))))
  (return_call_indirect $tails (type $tail) (i32.sub (local.get 0) (i32.const 1)) (local.get 8) (call $i (i32.const 0))))
(func $deep_indirect (export "case indirect tail recursion between signatures, a million deep")
  (call $put_i64 (call_indirect $tails (type $tail) (call $i (i32.const 1000000)) (i64.const 0) (i32.const 0)))
  (call $put_i64 (call_indirect $tails (type $tail) (call $i (i32.const 1000001)) (i64.const 0) (i32.const 0))))
(func $tail_mismatch_inner (result i64) (return_call_indirect $tails (type $tail) (i32.const 1) (i64.const 2) (call $i (i32.const 1))))
(func $tail_mismatch (export "case indirect tail call of the wrong type") (call $put_i64 (call $tail_mismatch_inner)))
(func $tail_null_inner (result i64) (return_call_indirect $tails (type $tail) (i32.const 1) (i64.const 2) (call $i (i32.const 3))))
(func $tail_null (export "case indirect tail call of null") (call $put_i64 (call $tail_null_inner)))
(func $tail_outside_inner (result i64) (return_call_indirect $tails (type $tail) (i32.const 1) (i64.const 2) (call $i (i32.const 4))))
(func $tail_outside (export "case indirect tail call beyond the table") (call $put_i64 (call $tail_outside_inner)))
(func $deep_seven (param i32 i32) (result i32 i64 f32 f64 v128 funcref i32)
  (if (i32.eqz (local.get 0)) (then (return_call $seven (local.get 1))))
  (return_call $deep_seven (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 3))))
(func $deep_results (export "case tail recursion with seven results, a million deep")
  (call $show_seven (call $deep_seven (call $i (i32.const 1000000)) (i32.const 1))))
;; More words and more floats than any convention has registers for, and a v128 that comes back alone or with another.
(type $widest (func (param i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 v128 i32
  f64 f32 f64 f32 f64 f32 f64 f32 f64 f32 f64 f32 f64 f32 f64 f32 f64 f32 f64 f32 f64 f32) (result v128 i64)))
(table $widest_table funcref (elem $widest))
(func $narrow (param i32 i64 v128 f32) (result v128 i64)
  (return_call_indirect $widest_table (type $widest) (local.get 0)
    (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)
    (i64.const 9) (i64.const 10) (i64.const 11) (local.get 1) (i32x4.add (local.get 2) (v128.const i32x4 1 2 3 4))
    (i32.const 13) (f64.const 1) (f32.const 2) (f64.const 3) (f32.const 4) (f64.const 5) (f32.const 6) (f64.const 7)
    (f32.const 8) (f64.const 9) (f32.const 10) (f64.const 11) (f32.const 12) (f64.const 13) (f32.const 14) (f64.const 15)
    (f32.const 16) (f64.const 17) (f32.const 18) (f64.const 19) (f32.const 20) (f64.const 21) (local.get 3)
    (call $i (i32.const 0))))
(func $widest (type $widest)
  (if (i32.eqz (local.get 0)) (then (return (i32x4.add (local.get 13) (i32x4.splat (i32.trunc_f32_s (local.get 36))))
    (i64.add (local.get 12) (i64.add (local.get 11) (i64.extend_i32_s (local.get 14)))))))
  (return_call $narrow (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 12) (local.get 3)) (local.get 13)
    (f32.add (local.get 36) (f32.demote_f64 (local.get 15)))))
(func $deep_widest (export "case tail recursion with more words and floats than registers, a million deep")
  (call $narrow (call $i (i32.const 1000000)) (i64.const 4) (v128.const i32x4 5 6 7 8) (f32.const 0))
  (call $put_i64) (call $put_v128))
(func $deep_vector (param i32 v128) (result v128)
  (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
  (return_call $deep_vector (i32.sub (local.get 0) (i32.const 1)) (i64x2.add (local.get 1) (v128.const i64x2 1 -1))))
(func $deep_vectors (export "case tail recursion with a v128, a million deep")
  (call $put_v128 (call $deep_vector (call $i (i32.const 1000000)) (v128.const i64x2 7 8))))
(func $runaway (param i32) (result i32) (i32.add (call $runaway (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
(func $exhausted (export "case recursion without end") (call $put_i32 (call $runaway (call $zero))))
(func $runaway_tail_position (call $runaway_tail_position))
(func $exhausted_tail_position (export "case recursion without end in tail position") (call $runaway_tail_position))
(func $runaway_a (param i64) (result i64) (call $runaway_b (i64.add (local.get 0) (i64.const 1))))
(func $runaway_b (param i64) (result i64) (call $runaway_a (i64.mul (local.get 0) (i64.const 3))))
(func $exhausted_mutual (export "case mutual recursion without end") (call $put_i64 (call $runaway_a (i64.const 0))))
(func $many_locals (param i32) (result i32) (local v128 v128 v128 v128)
  (local.set 1 (i32x4.splat (local.get 0))) (local.set 2 (i32x4.add (local.get 1) (local.get 1)))
  (local.set 3 (i32x4.mul (local.get 2) (local.get 2))) (local.set 4 (i32x4.sub (local.get 3) (local.get 1)))
  (i32.add (call $many_locals (i32.add (local.get 0) (i32.const 1)))
    (i32x4.extract_lane 0 (i32x4.add (i32x4.add (local.get 1) (local.get 2)) (i32x4.add (local.get 3) (local.get 4))))))
(func $exhausted_large (export "case recursion without end with large frames") (call $put_i32 (call $many_locals (call $zero))))

;; Arguments on the stack, through a table so that nothing is inlined, and each of them looked at.
(type $on_stack (func (param i32 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64 f64 f64 f64 f64 f64 f64)))
(type $in_registers (func (param i32)))
(table $stacks 2 2 funcref)
(elem (table $stacks) (i32.const 0) func $in_registers $on_stack)
(func $in_registers (type $in_registers)
  (if (i32.eqz (local.get 0)) (then (call $put_i32 (i32.const 3)) (return)))
  (return_call_indirect $stacks (type $on_stack) (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
    (i64.const 5) (i64.const 6) (i64.const 7) (i64.extend_i32_u (local.get 0)) (f64.const 1) (f64.const 2) (f64.const 3)
    (f64.const 4) (f64.const 5) (f64.const 6) (f64.const 7) (f64.const 8) (f64.convert_i32_u (local.get 0))
    (call $i (i32.const 1))))
(func $on_stack (type $on_stack)
  (if (i64.ne (local.get 6) (i64.const 6)) (then (unreachable)))
  (if (i64.ne (local.get 7) (i64.const 7)) (then (unreachable)))
  (if (i64.ne (local.get 8) (i64.extend_i32_u (local.get 0))) (then (unreachable)))
  (if (f64.ne (local.get 17) (f64.convert_i32_u (local.get 0))) (then (unreachable)))
  (return_call_indirect $stacks (type $in_registers) (i32.sub (local.get 0) (i32.const 1)) (call $zero)))
(func $stack_arguments (export "case tail calls with arguments on the stack, a million deep")
  (call_indirect $stacks (type $in_registers) (call $i (i32.const 500000)) (call $zero))
  (call $put_i32 (i32.const 4)))
;; As many on the stack on both sides, exchanged.
(type $nine (func (param i32 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
(table $exchanges 1 1 funcref)
(elem (table $exchanges) (i32.const 0) func $exchange)
(func $exchange (type $nine)
  (if (i32.eqz (local.get 0)) (then (return (i64.sub (local.get 7) (local.get 8)))))
  (return_call_indirect $exchanges (type $nine) (i32.sub (local.get 0) (i32.const 1)) (local.get 2) (local.get 1)
    (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 8) (local.get 7) (call $zero)))
(func $exchanged (export "case tail call that exchanges its arguments on the stack")
  (call $put_i64 (call_indirect $exchanges (type $nine) (call $i (i32.const 1001)) (i64.const 1) (i64.const 2) (i64.const 3)
    (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 70) (i64.const 8) (call $zero))))

;; ---- nesting and large tables
(func $deeply_nested (export "case five hundred nested blocks") (local i32)   (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block
  (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block
  (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop (block (block (loop
  (block (br_if 251 (call $zero)) (local.set 0 (i32.const 5)) (br_if 401 (i32.eqz (call $zero))) (local.set 0 (i32.const
  6)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
  ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
  ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
  ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
  )))))))))))))))))))))))))))))))   (call $put_i32 (local.get 0)))
(func $big_table (param i32) (result i32)
  (block (block (block (block (block (block (block (block (br_table 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1
    4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1
    0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1
    4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2
    1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2
    5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2
    1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2
    6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3
    2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3
    6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3
    2 4 7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4
    7 4 3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4
    3 4 7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4
    7 4 4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4
    4 5 0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5
    0 5 4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5
    4 5 0 6 5 6 1 6 5 6 2 7 6 7 2 7 6 0 3 0 7 0 3 0 0 1 4 1 0 1 4 2 1 2 5 2 1 2 6 3 2 3 6 3 2 4 7 4 3 4 7 4 4 5 0 5 4 5
    0 6 5 6 1 6 5 6 2 7 6 7 2 7 3 (local.get 0))) (return (i32.const 0))
  ) (return (i32.const 11))
  ) (return (i32.const 22))
  ) (return (i32.const 33))
  ) (return (i32.const 44))
  ) (return (i32.const 55))
  ) (return (i32.const 66))
  ) (i32.const 77))
(func $big (export "case br_table with a thousand targets") (local $n i32) (local $sum i64)
  (loop
    (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.extend_i32_u (call $big_table (local.get $n)))))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1002))))
  (call $put_i64 (local.get $sum)))
