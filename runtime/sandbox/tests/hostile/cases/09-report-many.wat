;; about: diagnostics without end
;; both: limit diagnostics
;; within: 20
(module
  (import %outputs "[method]sink.report" (func $report (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (i32.store (i32.const 4096) (local.get 1))
    (loop $again
    (call $report (i32.const 4096) (i32.const 8))
    (br $again))
    %end)
  %realloc
  %describe
)
