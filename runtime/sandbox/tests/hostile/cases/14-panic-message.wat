;; about: what was logged as an error before a trap is told
;; both: trap
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (data (i32.const 2048) "my reason")
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 4) (i32.const 2048) (i32.const 9) (i32.const 0) (i32.const 0))
    (unreachable)
    %end)
  %realloc
  %describe
)
