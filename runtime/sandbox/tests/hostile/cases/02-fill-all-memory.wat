;; about: bulk operations do much between two looks at the clock
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=200000000
;; within: 5
(module
  (memory (export "memory") 1024)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 67108864))
      (br $again))
    %end)
  %realloc
  %describe
)
