;; about: realloc gives one address for everything
;; both: ok
(module
  (import %inputs "[method]request.source" (func $source (param i32 i32)))
  (import %inputs "[method]tree.entries" (func $entries (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $source (local.get 0) (i32.const 16))
    (call $entries (i32.load (i32.const 20)) (i32.const 0) (i32.const 0) (i32.const 32))
    %end)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
  %describe
)
