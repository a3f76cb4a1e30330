;; about: returns without giving back what it was lent
;; both: trap
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32) (i32.const 1024))
  %realloc
  %describe
)
