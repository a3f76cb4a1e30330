;; about: reads stdin for ever
;; tenant: limit host_calls
(module
  (import "wasi:cli/stdin@0.2.6" "get-stdin" (func $stdin (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (local $s i32)
    (local.set $s (call $stdin))
    (loop $again
      (call $read (local.get $s) (i64.const 1) (i32.const 16))
      (br $again))
    %end)
  %realloc
  %describe
)
