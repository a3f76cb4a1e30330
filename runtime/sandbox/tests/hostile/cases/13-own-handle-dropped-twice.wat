;; about: a resource of its own dropped twice
;; world: hostile-resource
;; both: trap
(module
  (import %things "[resource-new]thing" (func $new (param i32) (result i32)))
  (import %things "[resource-drop]thing" (func $drop (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (local $thing i32)
    (local.set $thing (call $new (i32.const 7)))
    (call $drop (local.get $thing))
    (call $drop (local.get $thing))
    %end)
  (func (export %destructor) (param i32))
  %realloc
  %describe
)
