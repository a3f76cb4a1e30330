;; about: one emission of documents without end
;; memory: 256
;; both: limit host_call_bytes
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1700)
  (func (export %render) (param i32 i32) (result i32)
    (memory.fill (i32.const 65536) (i32.const 45) (i32.const 104857600))
    (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 104857600)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))
    %end)
  %realloc
  %describe
)
