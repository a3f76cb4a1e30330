;; Emits the file app/a.yaml as it is. It crashes where there is a file app/crash, emits without end where there is
;; app/flood, and calls itself without end where there is app/recurse.
(module
  (import "tidegate:plugin/inputs@0.1.0" "[resource-drop]request" (func $drop-request (param i32)))
  (import "tidegate:plugin/outputs@0.1.0" "[resource-drop]sink" (func $drop-sink (param i32)))
  (import "tidegate:plugin/inputs@0.1.0" "[method]request.source" (func $source (param i32 i32)))
  (import "tidegate:plugin/inputs@0.1.0" "[method]tree.read" (func $read (param i32 i32 i32 i32)))
  (import "tidegate:plugin/outputs@0.1.0" "[method]sink.emit"
    (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "tidegate:plugin/logging@0.1.0" "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 64)
  (data (i32.const 2048) "app/a.yaml")
  (data (i32.const 2064) "app/crash")
  (data (i32.const 2080) "app/flood")
  (data (i32.const 2096) "app/recurse")
  (data (i32.const 2112) "it broke")

  ;; Whether there is a file. The answer is at 32: 0 for success, and then where its bytes are and how many.
  (func $is-there (param $path i32) (param $length i32) (result i32)
    (call $read (i32.load (i32.const 20)) (local.get $path) (local.get $length) (i32.const 32))
    (i32.eqz (i32.load8_u (i32.const 32))))

  (func $emit-bytes (param $sink i32) (param $at i32) (param $length i32)
    (call $emit (local.get $sink) (i32.const 0) (i32.const 0) (local.get $at) (local.get $length)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 48)))

  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))

  (func (export "tidegate:plugin/renderer@0.1.0#render") (param $request i32) (param $sink i32) (result i32)
    (call $source (local.get $request) (i32.const 16))
    (if (call $is-there (i32.const 2064) (i32.const 9))
      (then
        (call $log (i32.const 4) (i32.const 2112) (i32.const 8) (i32.const 0) (i32.const 0))
        (unreachable)))
    (if (call $is-there (i32.const 2080) (i32.const 9))
      (then (loop $again (call $emit-bytes (local.get $sink) (i32.const 0) (i32.const 4000000)) (br $again))))
    (if (call $is-there (i32.const 2096) (i32.const 11))
      (then (drop (call $recurse (i32.const 0)))))
    (if (call $is-there (i32.const 2048) (i32.const 10))
      (then (call $emit-bytes (local.get $sink) (i32.load (i32.const 36)) (i32.load (i32.const 40)))))
    (call $drop-request (local.get $request))
    (call $drop-sink (local.get $sink))
    ;; All zeros: success.
    (i32.const 1024))

  ;; All zeros: empty texts.
  (func (export "tidegate:plugin/renderer@0.1.0#describe") (result i32) (i32.const 1024))

  (global $next (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32) (param i32) (param i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at)))
