;; about: ends itself as if all were well
;; tenant: contract
(module
  (import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $exit (i32.const 0))
    %end)
  %realloc
  %describe
)
