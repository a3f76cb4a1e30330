;; about: an endless loop with more fuel than time
;; tenant: limit wall
;; limits: wall_ms=300 fuel=50000000000
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop (br 0))
    %end)
  %realloc
  %describe
)
