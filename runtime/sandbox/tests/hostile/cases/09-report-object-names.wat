;; about: reports about objects whose API versions are a megabyte each, in files whose paths are
;; both: limit output
;; limits: output=33554432
(module
  (import %outputs "[method]sink.report" (func $report (param i32 i32)))
  (memory (export "memory") 20)
  (func (export %render) (param i32 i32) (result i32)
    (i32.store (i32.const 4096) (local.get 1))
    ;; An object, and the first of its texts.
    (i32.store8 (i32.const 4120) (i32.const 1))
    (i32.store (i32.const 4124) (i32.const 65536))
    (i32.store (i32.const 4128) (i32.const 1048576))
    (loop $again
      (call $report (i32.const 4096) (i32.const 8))
      (br $again))
    %end)
  %realloc
  %describe
)
