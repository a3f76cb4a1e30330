;; about: declares all memory from the start
;; tenant: load limit memory
;; builtin: load builtin
(module
  (memory (export "memory") 65536)
  (func (export %render) (param i32 i32) (result i32) %end)
  %realloc
  %describe
)
