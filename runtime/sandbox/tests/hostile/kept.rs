//! What is kept of a plugin's results: nothing that it does not answer for.

use crate::component;
use crate::suite::{alone, call, config};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate_sandbox::{Call, Failure, Limits, Sandbox, SandboxConfig};

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

/// A renderer of nothing that says it is deterministic, after it did `body`.
fn asking(import: &str, body: &str) -> Vec<u8> {
    component::of_module(&format!(
        "(module
           (import %inputs {import})
           (memory (export \"memory\") 2)
           (data (i32.const 2080) \"\\01\")
           (data (i32.const 3000) \"some-fact\")
           (func (export %render) (param i32 i32) (result i32)
             {body}
             (memory.fill (i32.const 1024) (i32.const 0) (i32.const 1024))
             %end)
           (func (export \"tidegate:plugin/renderer@0.1.0#describe\") (result i32) (i32.const 2048))
           %realloc
         )"
    ))
}

#[test]
fn too_much_input_stands_for_no_other_input() {
    let _alone = alone();
    let sandbox = Sandbox::new(SandboxConfig {
        results: 1 << 20,
        ..config()
    })
    .expect("sandbox");
    for (import, body) in [
        (
            "\"[method]request.fact\" (func $ask (param i32 i32 i32 i32))",
            "(call $ask (local.get 0) (i32.const 3000) (i32.const 9) (i32.const 16))",
        ),
        (
            "\"[method]request.facts\" (func $ask (param i32 i32))",
            "(call $ask (local.get 0) (i32.const 16))",
        ),
        (
            "\"[method]request.api-versions\" (func $ask (param i32 i32))",
            "(call $ask (local.get 0) (i32.const 16))",
        ),
    ] {
        let plugin = sandbox.load(&asking(import, body)).expect("it loads");
        let run = |text: &str| {
            let report = plugin.render(Call {
                facts: BTreeMap::from([("some-fact".to_owned(), text.to_owned())]),
                apis: Arc::new(BTreeSet::from([text.to_owned()])),
                limits: Some(Limits {
                    input: 20,
                    ..Limits::TENANT
                }),
                ..call()
            });
            let name = report.outcome.as_ref().map_err(Failure::name).copied();
            (name, report.cached)
        };
        let long = "a text of more than twenty bytes";
        let refused = run(long);
        assert!(refused.0.is_err() && !refused.1, "{import}: {refused:?}");
        assert_eq!(run(long), (refused.0, true), "{import}");
        assert_eq!(run("short"), (Ok(()), false), "{import}");
    }
}
