;; about: line ends and terminal codes are written out
;; both: ok
;; log: a\u{d}\u{a}level=error\u{1b}[2J
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (data (i32.const 2048) "a\0d\0alevel=error\1b[2J")
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 2048) (i32.const 18) (i32.const 0) (i32.const 0))
    %end)
  %realloc
  %describe
)
