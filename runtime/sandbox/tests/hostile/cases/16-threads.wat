;; about: imports wasi:thread/spawn@0.2.6
;; tenant: load imports
(module
  (import "wasi:thread/spawn@0.2.6" "spawn" (func $f (param i32) (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $f (i32.const 0)))
    %end)
  %realloc
  %describe
)
