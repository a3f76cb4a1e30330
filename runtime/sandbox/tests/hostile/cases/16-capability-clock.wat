;; about: imports tidegate:plugin/clock@0.1.0
;; tenant: load imports
(module
  (import "tidegate:plugin/clock@0.1.0" "now" (func $f (result i64)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $f ))
    %end)
  %realloc
  %describe
)
