;; about: emits a megabyte again and again
;; both: limit output
;; limits: output=33554432
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 32)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
    (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1048576)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))
    (br $again))
    %end)
  %realloc
  %describe
)
