;; about: asks for its arguments for ever
;; tenant: limit host_calls
;; limits: host_calls=20000
(module
  (import "wasi:cli/environment@0.2.6" "get-arguments" (func $args (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again (call $args (i32.const 16)) (br $again))
    %end)
  %realloc
  %describe
)
