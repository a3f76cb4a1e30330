;; about: asks for a kind whose name is a megabyte
;; both: limit key_size
(module
  (import %inputs "[method]request.has-api" (func $ask (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $ask (local.get 0) (i32.const 65536) (i32.const 2) (i32.const 1) (i32.const 65536) (i32.const 1048576)))
    %end)
  %realloc
  %describe
)
