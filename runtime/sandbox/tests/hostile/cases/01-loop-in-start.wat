;; about: the start function never ends
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=20000000
(module
  (func (export %render) (param i32 i32) (result i32) %end)
  (func $start (loop (br 0)))
  (memory (export "memory") 2)
  (start $start)
  %realloc
  %describe
)
