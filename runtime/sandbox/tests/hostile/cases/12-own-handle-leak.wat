;; about: makes resources of its own for ever
;; world: hostile-resource
;; both: limit handles
;; limits: handles=10000
(module
  (import %things "[resource-new]thing" (func $new (param i32) (result i32)))
  (import %things "[resource-drop]thing" (func $drop (param i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (call $drop (i32.const 1))))
    (loop $again
      (drop (call $new (i32.const 7)))
      (br $again))
    %end)
  (func (export %destructor) (param i32))
  %realloc
  %describe
)
