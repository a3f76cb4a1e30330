;; about: imports wasi:http/outgoing-handler@0.2.6
;; tenant: load imports
(module
  (import "wasi:http/outgoing-handler@0.2.6" "handle" (func $f (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $f (i32.const 0) (i32.const 0)))
    %end)
  %realloc
  %describe
)
