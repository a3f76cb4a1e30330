;; about: asks for its stdout for ever
;; tenant: limit host_calls
;; limits: host_calls=5000
(module
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again (drop (call $stdout)) (br $again))
    %end)
  %realloc
  %describe
)
