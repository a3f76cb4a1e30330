;; about: documents are bytes: kept as they are, judged later
;; both: ok
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (data (i32.const 2048) "\00\ff\fe\c0\80")
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const 5)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))
    %end)
  %realloc
  %describe
)
