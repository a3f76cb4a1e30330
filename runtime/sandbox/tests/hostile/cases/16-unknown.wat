;; about: imports other:vendor/backdoor@1.0.0
;; tenant: load imports
(module
  (import "other:vendor/backdoor@1.0.0" "open" (func $f (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $f ))
    %end)
  %realloc
  %describe
)
