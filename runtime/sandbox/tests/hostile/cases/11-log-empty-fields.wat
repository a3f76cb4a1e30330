;; about: logs lines of 60,000 fields without a text
;; both: limit host_calls
;; limits: host_calls=30
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 20)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 60000))
      (br $again))
    %end)
  %realloc
  %describe
)
