;; about: the destructor of its own resource drops another one, and so on
;; world: hostile-resource
;; both: limit stack
(module
  (import %things "[resource-new]thing" (func $new (param i32) (result i32)))
  (import %things "[resource-drop]thing" (func $drop (param i32)))
  (memory (export "memory") 2)
  (func $again (export %destructor) (param i32) (call $drop (call $new (local.get 0))))
  (func (export %render) (param i32 i32) (result i32)
    (call $again (i32.const 7))
    %end)
  %realloc
  %describe
)
