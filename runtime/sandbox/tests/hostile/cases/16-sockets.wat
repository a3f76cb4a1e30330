;; about: imports wasi:sockets/instance-network@0.2.6
;; tenant: load imports
(module
  (import "wasi:sockets/instance-network@0.2.6" "instance-network" (func $f (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $f ))
    %end)
  %realloc
  %describe
)
