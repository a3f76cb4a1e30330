;; about: realloc never ends while the host hands a text over
;; tenant: limit fuel
;; builtin: limit wall
;; limits: builtin_wall_ms=300 fuel=20000000
(module
  (import %inputs "[method]request.config" (func $config (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $config (local.get 0) (i32.const 16))
    %end)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (unreachable))
  %describe
)
