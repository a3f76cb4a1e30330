;; about: imports wasi:clocks/wall-clock@0.2.6
;; tenant: load imports
(module
  (import "wasi:clocks/wall-clock@0.2.6" "now" (func $f (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $f (i32.const 16))
    %end)
  %realloc
  %describe
)
