;; about: imports wasi:random/random@0.2.6
;; tenant: load imports
(module
  (import "wasi:random/random@0.2.6" "get-random-bytes" (func $f (param i64 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $f (i64.const 4294967296) (i32.const 16))
    %end)
  %realloc
  %describe
)
