;; about: declares a table of 10 million elements
;; tenant: load limit table_elements
;; builtin: load builtin
(module
  (table 10000000 funcref)
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32) %end)
  %realloc
  %describe
)
