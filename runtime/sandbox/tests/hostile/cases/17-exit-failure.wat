;; about: ends itself with a failure
;; tenant: contract
(module
  (import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $exit (i32.const 1))
    %end)
  %realloc
  %describe
)
