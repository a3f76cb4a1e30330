;; about: returns a case that a result does not have
;; both: trap
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32) (i32.store8 (i32.const 1024) (i32.const 7)) (i32.const 1024))
  %realloc
  %describe
)
