;; about: a guest made for a later minor of the contract: each of its interfaces is named
;; contract: 0.3.0
;; tenant: load imports
;; says: tidegate:plugin/types@0.3.0, tidegate:plugin/inputs@0.3.0, tidegate:plugin/outputs@0.3.0
(module
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    %end)
  %realloc
  %describe
)
