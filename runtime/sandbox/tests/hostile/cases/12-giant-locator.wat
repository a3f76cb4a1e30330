;; about: names a remote base by a megabyte of text
;; builtin: limit key_size
(module
  (import "tidegate:plugin/sources@0.1.0" "open-remote" (func $open (param i32 i32 i32)))
  (memory (export "memory") 20)
  (func (export %render) (param i32 i32) (result i32)
    (call $open (i32.const 65536) (i32.const 1048576) (i32.const 16))
    %end)
  %realloc
  %describe
)
