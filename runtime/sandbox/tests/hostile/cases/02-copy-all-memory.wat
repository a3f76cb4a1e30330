;; about: copies half of the memory over the other half for ever
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=200000000
;; within: 5
(module
  (memory (export "memory") 1024)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (memory.copy (i32.const 0) (i32.const 33554432) (i32.const 33554432))
      (br $again))
    %end)
  %realloc
  %describe
)
