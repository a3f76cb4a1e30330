;; about: asks for its seed for ever
;; tenant: limit host_calls
;; limits: host_calls=20000
(module
  (import "wasi:random/insecure-seed@0.2.6" "insecure-seed" (func $seed (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again (call $seed (i32.const 16)) (br $again))
    %end)
  %realloc
  %describe
)
