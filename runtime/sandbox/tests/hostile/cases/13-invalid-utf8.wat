;; about: a text that is no UTF-8
;; both: trap
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (data (i32.const 2048) "\ff\fe")
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 2048) (i32.const 2) (i32.const 0) (i32.const 0))
    %end)
  %realloc
  %describe
)
