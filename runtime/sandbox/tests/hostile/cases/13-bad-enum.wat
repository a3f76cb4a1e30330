;; about: a level that does not exist
;; both: trap
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 77) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    %end)
  %realloc
  %describe
)
