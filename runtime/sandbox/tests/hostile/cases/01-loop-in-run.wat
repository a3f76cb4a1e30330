;; about: an endless loop
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=20000000
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop (br 0))
    %end)
  %realloc
  %describe
)
