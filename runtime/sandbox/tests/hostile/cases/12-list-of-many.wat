;; about: a list of fields that costs the host far more than the guest
;; both: limit host_call_bytes
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1600)
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 6000000))
    %end)
  %realloc
  %describe
)
