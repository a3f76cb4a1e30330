;; about: blocks on a stream that is always ready
;; tenant: limit host_calls
(module
  (import "wasi:cli/stdin@0.2.6" "get-stdin" (func $stdin (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]input-stream.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (local $p i32)
    (local.set $p (call $subscribe (call $stdin)))
    (loop $again
      (call $block (local.get $p))
      (br $again))
    %end)
  %realloc
  %describe
)
