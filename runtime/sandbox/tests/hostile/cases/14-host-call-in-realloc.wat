;; about: realloc calls the host, which the canonical ABI forbids
;; both: trap
(module
  (import %logging "log" (func $log (param i32 i32 i32 i32 i32)))
  (import %inputs "[method]request.config" (func $config (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $config (local.get 0) (i32.const 16))
    %end)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 4096))
  %describe
)
