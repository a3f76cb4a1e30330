//! 15: nothing that one run leaves behind is there in another.

use crate::suite::{BOUNDS, alone, call, config};
use crate::{component, neighbour};
use std::sync::Arc;
use tidegate_sandbox::{Call, Sandbox, SandboxConfig, write_builtins};

/// Counts its runs in a global, in fresh memory, in memory that had data, and in the table; emits what it found.
const SMUGGLER: &str = "(module
  (import %outputs \"[method]sink.emit\" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export \"memory\") 40)
  (global $seen (mut i32) (i32.const 48))
  (table $table 4 funcref)
  (elem declare func $mark)
  (data (i32.const 2048) \"0000\")
  (func $mark)
  (func (export %render) (param $request i32) (param $sink i32) (result i32)
    (i32.store8 (i32.const 2048) (global.get $seen))
    (i32.store8 (i32.const 2049) (i32.add (i32.const 48) (i32.load8_u (i32.const 2000000))))
    (i32.store8 (i32.const 2051) (i32.sub (i32.const 49) (ref.is_null (table.get $table (i32.const 1)))))
    (call $emit (local.get $sink) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const 4)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (global.set $seen (i32.const 49))
    (memory.fill (i32.const 1900000) (i32.const 1) (i32.const 200000))
    (i32.store8 (i32.const 2050) (i32.const 49))
    (table.set $table (i32.const 1) (ref.func $mark))
    %end)
  %realloc
  %describe
)";

#[test]
fn nothing_is_carried_from_run_to_run() {
    let _alone = alone();
    let wasm = component::of_module(SMUGGLER);
    let folder = tempfile::tempdir().expect("a folder");
    let builtins = [
        ("smuggler".to_owned(), wasm.clone()),
        (neighbour::BUILTIN.to_owned(), neighbour::wasm()),
    ];
    write_builtins(folder.path(), &builtins).expect("built-ins");
    for pool in [0, 2] {
        let sandbox = Sandbox::new(SandboxConfig {
            plugins: Some(folder.path().to_owned()),
            pool,
            ..config()
        })
        .expect("sandbox");
        let harness = neighbour::beside(&sandbox);
        for plugin in [
            sandbox.builtin("smuggler").expect("built-in"),
            sandbox.load(&wasm).expect("tenant"),
        ] {
            for tenant in ["a", "a", "b", "a", "b"] {
                let call = Call {
                    tenant: tenant.to_owned(),
                    ..call()
                };
                let attacking = Arc::clone(&plugin);
                let report = harness.attack("smuggler", BOUNDS, move || attacking.render(call));
                assert_eq!(report.outcome, Ok(()));
                assert_eq!(
                    report.emissions[0].bytes,
                    b"0000".as_slice(),
                    "pool {pool}, {:?}",
                    plugin.class()
                );
            }
        }
    }
}
