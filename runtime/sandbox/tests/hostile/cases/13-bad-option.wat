;; about: an option that is neither there nor not
;; both: trap
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))
    %end)
  %realloc
  %describe
)
