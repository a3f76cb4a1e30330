;; about: one line of 8 MiB is cut
;; both: ok
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (data (i32.const 2048) "xx")
  (memory (export "memory") 160)
  (func (export %render) (param i32 i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 120) (i32.const 8388608))
    (call $log (i32.const 2) (i32.const 0) (i32.const 8388608) (i32.const 0) (i32.const 0))
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))
    %end)
  %realloc
  %describe
)
