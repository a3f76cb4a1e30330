;; about: logs for ever
;; both: limit host_calls
;; limits: host_calls=20000
;; dropped: 9000
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (call $log (i32.const 2) (i32.const 2048) (i32.const 4) (i32.const 0) (i32.const 0))
      (br $again))
    %end)
  %realloc
  %describe
)
