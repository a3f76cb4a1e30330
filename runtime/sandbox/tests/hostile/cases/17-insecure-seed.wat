;; about: the seed is there, and no secret
;; tenant: ok
(module
  (import "wasi:random/insecure-seed@0.2.6" "insecure-seed" (func $seed (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $seed (i32.const 16))
    %end)
  %realloc
  %describe
)
