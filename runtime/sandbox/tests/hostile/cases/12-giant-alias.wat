;; about: asks for a source whose name is a megabyte
;; both: limit key_size
(module
  (import %inputs "[method]request.extra-source" (func $ask (param i32 i32 i32 i32)))
  (memory (export "memory") 20)
  (func (export %render) (param i32 i32) (result i32)
    (call $ask (local.get 0) (i32.const 65536) (i32.const 1048576) (i32.const 16))
    %end)
  %realloc
  %describe
)
