;; about: the clean-up after the call never ends
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=20000000
(module
  (func (export %render) (param i32 i32) (result i32) %end)
  (memory (export "memory") 2)
  (func (export %post-render) (param i32) (loop (br 0)))
  %realloc
  %describe
)
