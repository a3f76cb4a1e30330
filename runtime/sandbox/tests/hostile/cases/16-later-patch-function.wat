;; about: a later patch of an interface that this host has, and a function of it that this host lacks
;; contract: 0.1.7
;; edit: interface logging { => interface logging { newer: func() -> u32;
;; tenant: load imports
;; says: tidegate:plugin/logging@0.1.7
;; says: newer
(module
  (import %logging "newer" (func $newer (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $newer ))
    %end)
  %realloc
  %describe
)
