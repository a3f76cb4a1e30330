;; about: fills a table for ever
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=20000000
(module
  (table $t 100000 funcref)
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (table.fill $t (i32.const 0) (ref.null func) (i32.const 100000))
      (br $again))
    %end)
  %realloc
  %describe
)
