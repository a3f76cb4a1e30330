;; about: asks for ever new files with paths as long as they may be
;; both: limit host_memory
;; limits: host_memory=67108864
(module
  (import %inputs "[method]request.source" (func $source (param i32 i32)))
  (import %inputs "[method]tree.stat" (func $stat (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (func (export %render) (param i32 i32) (result i32)
    (local $n i32)
    (call $source (local.get 0) (i32.const 16))
    (memory.fill (i32.const 2048) (i32.const 97) (i32.const 4096))
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (i32.store8 (i32.const 2048) (i32.add (i32.const 65) (i32.and (local.get $n) (i32.const 31))))
      (i32.store8 (i32.const 2049) (i32.add (i32.const 65) (i32.and (i32.shr_u (local.get $n) (i32.const 5)) (i32.const 31))))
      (i32.store8 (i32.const 2050) (i32.add (i32.const 65) (i32.and (i32.shr_u (local.get $n) (i32.const 10)) (i32.const 31))))
      (i32.store8 (i32.const 2051) (i32.add (i32.const 65) (i32.and (i32.shr_u (local.get $n) (i32.const 15)) (i32.const 31))))
      (call $stat (i32.load (i32.const 20)) (i32.const 2048) (i32.const 4096) (i32.const 32))
      (br $again))
    %end)
  %realloc
  %describe
)
