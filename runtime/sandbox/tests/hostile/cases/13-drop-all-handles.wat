;; about: drops handles that were never given
;; both: trap
(module
  (import %inputs "[resource-drop]manifest" (func $drop (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $drop (i32.const 1))
    %end)
  %realloc
  %describe
)
