;; about: what is written goes to the log, line by line
;; tenant: ok
;; log: one
;; log: two
(module
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (data (i32.const 2048) "one\0atwo\0a")
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $write (call $stdout) (i32.const 2048) (i32.const 8) (i32.const 16))
    %end)
  %realloc
  %describe
)
