;; about: reads the same file for ever
;; both: limit host_calls
;; limits: host_calls=20000
(module
  (import %inputs "[method]request.source" (func $source (param i32 i32)))
  (import %inputs "[method]tree.read" (func $read (param i32 i32 i32 i32)))
  (global $fixed (mut i32) (i32.const 4096))
  (data (i32.const 2048) "a/b.yaml")
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $source (local.get 0) (i32.const 16))
    (loop $again
      (call $read (i32.load (i32.const 20)) (i32.const 2048) (i32.const 8) (i32.const 32))
      (br $again))
    %end)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (global.get $fixed))
  %describe
)
