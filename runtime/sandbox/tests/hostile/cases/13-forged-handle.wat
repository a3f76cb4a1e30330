;; about: a handle that was never given
;; both: trap
(module
  (import %inputs "[method]tree.read" (func $read (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $read (i32.const 12345) (i32.const 0) (i32.const 0) (i32.const 32))
    %end)
  %realloc
  %describe
)
