;; about: the place for the answer is not aligned
;; both: trap
(module
  (import %inputs "[method]request.source" (func $source (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $source (local.get 0) (i32.const 17))
    %end)
  %realloc
  %describe
)
