;; about: traps unless the environment is empty
;; tenant: ok
(module
  (import "wasi:cli/environment@0.2.6" "get-environment" (func $env (param i32)))
  (import "wasi:cli/environment@0.2.6" "get-arguments" (func $args (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $env (i32.const 16))
    (call $args (i32.const 32))
    (if (i32.or (i32.load (i32.const 20)) (i32.load (i32.const 36))) (then (unreachable)))
    %end)
  %realloc
  %describe
)
