;; about: realloc gives an address outside of the memory
;; both: trap
(module
  (import %inputs "[method]request.config" (func $config (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $config (local.get 0) (i32.const 16))
    %end)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const -65536))
  %describe
)
