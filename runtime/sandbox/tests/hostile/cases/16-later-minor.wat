;; about: imports tidegate:plugin/later@0.2.0
;; tenant: load imports
(module
  (import "tidegate:plugin/later@0.2.0" "answer" (func $f (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $f ))
    %end)
  %realloc
  %describe
)
