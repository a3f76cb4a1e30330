;; about: a validator that emits, keeps and attaches: `closed` each time, and nothing comes of it; only its report counts. It traps otherwise
;; world: hostile-validate
;; both: ok
(module
  (import %outputs "[method]sink.emit" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import %inputs "[method]request.manifests" (func $manifests (param i32 i32)))
  (import %outputs "[method]sink.keep" (func $keep (param i32 i32 i32)))
  (import %outputs "[method]sink.attach" (func $attach (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import %outputs "[method]sink.report" (func $report (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 2048) "kind: X")
  (func $closed
    ;; An error, and the only case of it.
    (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 1)) (then (unreachable)))
    (if (i32.load8_u (i32.const 17)) (then (unreachable)))
    (i32.store (i32.const 16) (i32.const 0)))
  (func (export %validate) (param $request i32) (param $sink i32) (result i32)
    (call $emit (local.get $sink) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const 7)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16))
    (call $closed)
    (call $manifests (local.get $request) (i32.const 32))
    (call $keep (local.get $sink) (i32.load (i32.load (i32.const 32))) (i32.const 16))
    (call $closed)
    (call $attach (local.get $sink) (i32.const 2048) (i32.const 4) (i32.const 2048) (i32.const 4)
      (i32.const 2048) (i32.const 7) (i32.const 16))
    (call $closed)
    (i32.store (i32.const 4096) (local.get $sink))
    (call $report (i32.const 4096) (i32.const 16))
    (if (i32.load8_u (i32.const 16)) (then (unreachable)))
    %end)
  %realloc
  %describe-validator
)
