;; about: subtrees without end
;; both: limit handles
;; limits: handles=10000
(module
  (import %inputs "[method]request.source" (func $source (param i32 i32)))
  (import %inputs "[method]tree.subtree" (func $subtree (param i32 i32 i32 i32)))
  (data (i32.const 2048) "a")
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (call $source (local.get 0) (i32.const 16))
    (loop $again
      (call $subtree (i32.load (i32.const 20)) (i32.const 2048) (i32.const 1) (i32.const 32))
      (br $again))
    %end)
  %realloc
  %describe
)
