;; about: a function of this very version, but with another type than it has
;; edit: enabled: func(level: level) -> bool; => enabled: func(level: level) -> string;
;; tenant: load imports
;; says: tidegate:plugin/logging@0.1.0
;; says: enabled
(module
  (import %logging "enabled" (func $enabled (param i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $enabled (i32.const 2) (i32.const 16))
    %end)
  %realloc
  %describe
)
