;; about: calls itself without end
;; both: limit stack
(module
  (func $down (param i64) (result i64) (i64.add (i64.const 1) (call $down (i64.add (local.get 0) (i64.const 1)))))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $down (i64.const 0)))
    %end)
  %realloc
  %describe
)
