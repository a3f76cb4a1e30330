;; about: a guest made for a later patch of the contract, of which it uses only what this host has: it runs
;; contract: 0.1.7
;; edit: interface logging { => interface logging { newer: func() -> u32;
;; both: ok
;; log: hello
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 2048) "hello")
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 2048) (i32.const 5) (i32.const 0) (i32.const 0))
    %end)
  %realloc
  %describe
)
