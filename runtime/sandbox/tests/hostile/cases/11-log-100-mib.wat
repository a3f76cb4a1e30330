;; about: one line of 100 MiB is more than a host call may carry
;; both: limit host_call_bytes
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1700)
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 0) (i32.const 104857600) (i32.const 0) (i32.const 0))
    %end)
  %realloc
  %describe
)
