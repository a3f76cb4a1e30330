//! What is kept of a plugin's results: nothing that it does not answer for.

use crate::component;
use crate::suite::{alone, call, config};
use tidegate_sandbox::{Sandbox, SandboxConfig};

/// A renderer of nothing, whose description begins at 2048.
fn described(describe: &str) -> Vec<u8> {
    component::of_module(&format!(
        "(module
           (memory (export \"memory\") 2)
           ;; Four empty texts, then `deterministic`.
           (data (i32.const 2080) \"\\01\")
           (func (export %render) (param i32 i32) (result i32) %end)
           (func (export \"tidegate:plugin/renderer@0.1.0#describe\") (result i32) {describe})
           %realloc
         )"
    ))
}

#[test]
fn only_what_is_deterministic_by_its_own_word_is_kept() {
    let _alone = alone();
    let sandbox = Sandbox::new(SandboxConfig {
        results: 1 << 20,
        ..config()
    })
    .expect("sandbox");
    for (name, describe, is_kept) in [
        ("says that it is", "(i32.const 2048)", true),
        ("says that it is not", "(i32.const 3072)", false),
        ("can't say", "(unreachable)", false),
    ] {
        let plugin = sandbox.load(&described(describe)).expect("it loads");
        for again in [false, true] {
            let report = plugin.render(call());
            assert_eq!(report.outcome, Ok(()), "{name}");
            assert_eq!(report.cached, is_kept && again, "{name}");
        }
    }
}
