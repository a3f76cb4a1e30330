;; about: emits 2 GiB from a memory of 128 KiB
;; both: trap
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2147483647)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))
    %end)
  %realloc
  %describe
)
