;; about: asks the log level for ever
;; both: limit host_calls
;; limits: host_calls=100000
(module
  (import %logging "enabled" (func $enabled (param i32) (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (drop (call $enabled (i32.const 2)))
      (br $again))
    %end)
  %realloc
  %describe
)
