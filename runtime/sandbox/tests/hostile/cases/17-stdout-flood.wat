;; about: writes without a line end for ever
;; tenant: limit host_calls
;; limits: host_calls=20000
(module
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (local $s i32)
    (local.set $s (call $stdout))
    (loop $again
      (call $write (local.get $s) (i32.const 0) (i32.const 4096) (i32.const 16))
      (br $again))
    %end)
  %realloc
  %describe
)
