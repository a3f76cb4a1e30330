;; about: the destructor of its own resource traps
;; world: hostile-resource
;; both: trap
(module
  (import %things "[resource-new]thing" (func $new (param i32) (result i32)))
  (import %things "[resource-drop]thing" (func $drop (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $drop (call $new (i32.const 7)))
    %end)
  (func (export %destructor) (param i32) (unreachable))
  %realloc
  %describe
)
