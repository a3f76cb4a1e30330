;; about: more lines than the log keeps; the rest is dropped, the call is fine
;; both: ok
;; dropped: 40000
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (local $n i32)
    (loop $again
      (call $log (i32.const 2) (i32.const 2048) (i32.const 4) (i32.const 0) (i32.const 0))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50000))))
    %end)
  %realloc
  %describe
)
