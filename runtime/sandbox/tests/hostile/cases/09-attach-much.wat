;; about: side files count like documents
;; both: limit output
;; limits: output=33554432
(module
  (import %outputs "[method]sink.attach" (func $attach (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 32)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
    (call $attach (local.get 1) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1048576) (i32.const 8))
    (br $again))
    %end)
  %realloc
  %describe
)
