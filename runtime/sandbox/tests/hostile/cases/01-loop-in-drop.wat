;; about: the destructor of its own resource never ends
;; world: hostile-resource
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=20000000
(module
  (import %things "[resource-new]thing" (func $new (param i32) (result i32)))
  (import %things "[resource-drop]thing" (func $drop (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $drop (call $new (i32.const 7)))
    %end)
  (func (export %destructor) (param i32) (loop (br 0)))
  %realloc
  %describe
)
