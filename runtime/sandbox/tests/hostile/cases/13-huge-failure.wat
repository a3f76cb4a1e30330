;; about: returns a failure with a list that is not there
;; both: trap
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32) (i32.store8 (i32.const 1024) (i32.const 1)) (i32.store8 (i32.const 1028) (i32.const 0)) (i32.store (i32.const 1032) (i32.const 0)) (i32.store (i32.const 1036) (i32.const 536870911)) (i32.const 1024))
  %realloc
  %describe
)
