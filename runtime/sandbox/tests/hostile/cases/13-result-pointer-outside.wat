;; about: returns an address outside of the memory
;; both: trap
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32) (i32.const -8))
  %realloc
  %describe
)
