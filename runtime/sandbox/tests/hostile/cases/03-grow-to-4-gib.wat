;; about: asks for all memory at once
;; both: limit memory
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (memory.grow (i32.const 65000)))
    %end)
  %realloc
  %describe
)
