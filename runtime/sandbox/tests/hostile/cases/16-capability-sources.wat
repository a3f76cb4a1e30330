;; about: imports tidegate:plugin/sources@0.1.0
;; tenant: load imports
(module
  (import "tidegate:plugin/sources@0.1.0" "open-remote" (func $f (param i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $f (i32.const 0) (i32.const 0) (i32.const 16))
    %end)
  %realloc
  %describe
)
