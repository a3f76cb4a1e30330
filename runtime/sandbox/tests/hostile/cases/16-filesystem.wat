;; about: imports wasi:filesystem/preopens@0.2.6
;; tenant: load imports
(module
  (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $f (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $f (i32.const 16))
    %end)
  %realloc
  %describe
)
