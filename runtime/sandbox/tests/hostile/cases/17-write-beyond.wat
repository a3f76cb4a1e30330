;; about: writes more at once than it was told that it may
;; tenant: contract
(module
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 20)
  (func (export %render) (param i32 i32) (result i32)
    (call $write (call $stdout) (i32.const 65536) (i32.const 65537) (i32.const 16))
    %end)
  %realloc
  %describe
)
