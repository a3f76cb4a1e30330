;; about: imports wasi:clocks/monotonic-clock@0.2.6
;; tenant: load imports
(module
  (import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $f (result i64)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $f ))
    %end)
  %realloc
  %describe
)
