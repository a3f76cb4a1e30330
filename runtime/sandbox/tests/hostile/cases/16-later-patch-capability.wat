;; about: a capability is not granted by asking for a later patch of it
;; contract: 0.1.7
;; tenant: load imports
;; says: tidegate:plugin/clock@0.1.7
(module
  (import "tidegate:plugin/clock@0.1.0" "now" (func $now (result i64)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (drop (call $now ))
    %end)
  %realloc
  %describe
)
