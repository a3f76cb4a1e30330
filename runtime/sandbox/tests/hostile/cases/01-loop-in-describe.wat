;; about: saying what it is never ends
;; asks: describe
;; tenant: limit fuel
;; builtin: limit wall
;; within: 5
(module
  (func (export %render) (param i32 i32) (result i32) %end)
  (memory (export "memory") 2)
  (func (export "tidegate:plugin/renderer@0.1.0#describe") (result i32) (loop (br 0)) (unreachable))
  %realloc
)
