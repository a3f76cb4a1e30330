;; about: calls the host with hardly any stack left
;; both: limit stack
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (func $down (call $log (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)) (call $down))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $down)
    %end)
  %realloc
  %describe
)
