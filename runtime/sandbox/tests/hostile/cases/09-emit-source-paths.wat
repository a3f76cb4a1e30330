;; about: says of empty documents, a megabyte each, where they came from
;; both: limit host_memory
;; limits: host_memory=67108864
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 20)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 1) (i32.const 65536) (i32.const 1048576) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))
      (br $again))
    %end)
  %realloc
  %describe
)
