;; about: asks for a table of 2^32 elements
;; both: limit table_elements
(module
  (table $t 1 funcref)
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (table.grow $t (ref.null func) (i32.const -2)))
    %end)
  %realloc
  %describe
)
