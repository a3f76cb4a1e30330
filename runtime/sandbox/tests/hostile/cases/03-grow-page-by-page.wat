;; about: asks for all memory bit by bit
;; both: limit memory
;; limits: memory=33554432
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (drop (memory.grow (i32.const 1)))
      (br $again))
    %end)
  %realloc
  %describe
)
