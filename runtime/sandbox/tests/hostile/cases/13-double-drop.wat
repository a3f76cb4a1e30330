;; about: a tree dropped twice
;; both: trap
(module
  (import %inputs "[method]request.source" (func $source (param i32 i32)))
  (import %inputs "[resource-drop]tree" (func $drop (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $source (local.get 0) (i32.const 16))
    (call $drop (i32.load (i32.const 20)))
    (call $drop (i32.load (i32.const 20)))
    %end)
  %realloc
  %describe
)
