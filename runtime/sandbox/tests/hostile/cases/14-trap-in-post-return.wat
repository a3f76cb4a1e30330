;; about: the clean-up after the call traps
;; both: trap
(module
  (func (export %render) (param i32 i32) (result i32) %end)
  (memory (export "memory") 2)
  (func (export %post-render) (param i32) (unreachable))
  %realloc
  %describe
)
