;; about: a later patch of a resource that this host has, and a method of it that this host lacks
;; contract: 0.1.7
;; edit: resource request { => resource request { newer: func() -> u32;
;; tenant: load imports
;; says: tidegate:plugin/inputs@0.1.7
;; says: [method]request.newer
(module
  (import %inputs "[method]request.newer" (func $newer (param i32) (result i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $newer (local.get 0)))
    %end)
  %realloc
  %describe
)
