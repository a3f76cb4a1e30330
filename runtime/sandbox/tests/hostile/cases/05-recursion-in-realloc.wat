;; about: the host calls realloc, which never comes up again
;; both: limit stack
(module
  (import %inputs "[method]request.config" (func $config (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $config (local.get 0) (i32.const 16))
    %end)
  (func $down (param i32 i32 i32 i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0) (local.get 1) (local.get 2) (i32.const 1))))
  (export "cabi_realloc" (func $down))
  %describe
)
