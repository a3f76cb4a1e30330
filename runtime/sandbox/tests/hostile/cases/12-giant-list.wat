;; about: 2^31 log fields
;; both: trap
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2147483647))
    %end)
  %realloc
  %describe
)
