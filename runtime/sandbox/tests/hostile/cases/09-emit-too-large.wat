;; about: one document larger than the API server takes
;; tenant: limit object_size
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 80)
  (func (export %render) (param i32 i32) (result i32)
    (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4194304)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))
    %end)
  %realloc
  %describe
)
