;; about: asks for the source for ever and drops nothing
;; both: limit handles
;; limits: handles=10000
(module
  (import %inputs "[method]request.source" (func $source (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (loop $again
      (call $source (local.get 0) (i32.const 16))
      (br $again))
    %end)
  %realloc
  %describe
)
