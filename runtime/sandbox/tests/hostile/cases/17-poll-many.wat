;; about: waits for many things at once
;; tenant: trap
(module
  (import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $poll (i32.const 0) (i32.const 2147483647) (i32.const 16))
    %end)
  %realloc
  %describe
)
