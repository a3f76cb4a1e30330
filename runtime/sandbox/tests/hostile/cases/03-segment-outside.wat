;; about: a data segment that lies outside of the memory
;; both: trap
(module
  (data (i32.const 65530) "0123456789")
  (memory (export "memory") 1)
  (func (export %render) (param i32 i32) (result i32) %end)
  %realloc
  %describe
)
