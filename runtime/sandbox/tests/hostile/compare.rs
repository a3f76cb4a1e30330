//! A drift check that is hostile, as whoever applies objects meets it: through [`DriftCheck`]. What a check says wrongly
//! but in form is for `apply` to bear: `runtime/apply/tests/apply/hostile_check.rs`.

use crate::component;
use crate::neighbour;
use crate::suite::{BOUNDS, alone, config};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tidegate_sandbox::{Call, Grants, Limits, PluginPre, Sandbox, World};
use tidegate_values::{
    Comparison, DriftCheck, DriftCheckError, Judgement, ObjectRef, Pair, Verdict,
};

const PAIRS: usize = 3;

fn pairs() -> Vec<Pair> {
    let pair = |index: usize| Pair {
        id: ObjectRef {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: "team".to_owned(),
            name: format!("settings-{index}"),
        },
        desired: Arc::new(json!({"data": {"k": "wanted"}})),
        live: Some(Arc::new(json!({"data": {"k": "is"}}))),
        dry_run: None,
        last_manager: None,
    };
    (0..PAIRS).map(pair).collect()
}

/// A check whose function is `body`; local 3 counts.
fn hostile(sandbox: &Sandbox, name: &str, body: &str) -> Arc<PluginPre> {
    let wasm = component::of_world(
        "hostile-compare",
        &format!(
            "(module
              (import %pairs \"[method]pair.judge\" (func $judge (param i32 i32 i32 i32)))
              (import %pairs \"[method]pair.leave\" (func $leave (param i32 i32 i32 i32)))
              (import %pairs \"[method]pair.live\" (func $live (param i32 i32)))
              (import %pairs \"[resource-drop]pair\" (func $drop (param i32)))
              (memory (export \"memory\") 40)
              (data (i32.const 2048) \"not a pointer\")
              (func $pair (param $pairs i32) (param $index i32) (result i32)
                (i32.load (i32.add (local.get $pairs) (i32.mul (i32.const 4) (local.get $index)))))
              (func $deep (call $deep) (call $deep))
              (func (export %compare) (param i32 i32 i32) (result i32) (local i32)
                {body}
                %judged)
              %realloc
              %describe-comparer
            )"
        ),
    );
    let plugin = sandbox.load_with(name, &wasm, Grants::default());
    let plugin = plugin.expect("it loads");
    assert_eq!(plugin.world(), World::Compare);
    plugin
}

fn check(plugin: &PluginPre) -> Result<Vec<Judgement>, DriftCheckError> {
    plugin.check(Comparison {
        tenant: "team".to_owned(),
        config: "{}".to_owned(),
        pairs: pairs(),
    })
}

const JUDGE_ALL: &str = "(loop $again
  (call $judge (call $pair (local.get 1) (local.get 3)) (i32.const 0) (i32.const 0) (i32.const 0))
  (br_if $again (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (local.get 2))))";

#[test]
fn a_hostile_check_fails_with_a_named_error() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let harness = neighbour::beside(&sandbox);
    let first = "(call $pair (local.get 1) (i32.const 0))";
    let judges = |arguments: &str| format!("(call $judge {first} {arguments})");
    let cases = [
        ("traps", "(unreachable)".to_owned(), "crashed: wasm trap: wasm `unreachable` instruction executed"),
        ("judges nothing", String::new(), "broke the contract: it judged only some of the pairs"),
        (
            "judges one",
            judges("(i32.const 0) (i32.const 0) (i32.const 0)"),
            "broke the contract: it judged only some of the pairs",
        ),
        (
            "knows another verdict",
            judges("(i32.const 9) (i32.const 0) (i32.const 0)"),
            "crashed: ",
        ),
        (
            "names pointers that are not there",
            judges("(i32.const 1) (i32.const 0) (i32.const 536870911)"),
            "crashed: ",
        ),
        (
            "judges a pair that was never given",
            "(call $judge (i32.const 12345) (i32.const 0) (i32.const 0) (i32.const 0))".to_owned(),
            "crashed: ",
        ),
        (
            "judges a pair that it dropped",
            format!("(call $drop {first}) {}", judges("(i32.const 0) (i32.const 0) (i32.const 0)")),
            "crashed: ",
        ),
        (
            "names a megabyte for ever",
            format!(
                "(i32.store (i32.const 4096) (i32.const 65536)) (i32.store (i32.const 4100) (i32.const 1048576))
                 (loop $again {} (br $again))",
                judges("(i32.const 1) (i32.const 4096) (i32.const 1)")
            ),
            "exceeded the limit `output` of 33554432 bytes",
        ),
        (
            "leaves fields for ever",
            format!(
                "(loop $again (call $leave {first} (i32.const 2048) (i32.const 13) (i32.const 0)) (br $again))"
            ),
            "exceeded the limit `host_calls` of 100000",
        ),
        (
            "reads for ever",
            format!("(global.set $next (i32.const 131072)) (loop $again (call $live {first} (i32.const 16)) (global.set $next (i32.const 131072)) (br $again))"),
            "exceeded the limit `host_calls` of 100000",
        ),
        (
            "recurses",
            "(call $deep)".to_owned(),
            "exceeded the limit `stack` of 1048576 bytes",
        ),
        (
            "grows",
            "(drop (memory.grow (i32.const 60000)))".to_owned(),
            "exceeded the limit `memory` of 134217728 bytes",
        ),
        (
            "fails by its own word, without one",
            "(i32.store8 (i32.const 1024) (i32.const 1)) (i32.store8 (i32.const 1028) (i32.const 1))".to_owned(),
            "failed: ",
        ),
    ];
    for (name, body, expected) in cases {
        let plugin = hostile(&sandbox, name, &body);
        let result = harness.attack(name, BOUNDS, move || check(&plugin));
        let Err(DriftCheckError::Failed(text)) = result else {
            panic!("`{name}` did not fail")
        };
        assert!(
            text.starts_with(&format!("plugin `{name}` {expected}")),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_check_that_never_ends_is_ended() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let harness = neighbour::beside(&sandbox);
    let plugin = hostile(&sandbox, "spinner", "(loop (br 0))");
    for (limits, expected) in [
        (
            Limits {
                fuel: Some(20_000_000),
                ..Limits::TENANT
            },
            "plugin `spinner` exceeded the limit `fuel` of 20000000",
        ),
        (
            Limits {
                fuel: Some(50_000_000_000),
                wall: Duration::from_millis(100),
                ..Limits::TENANT
            },
            "plugin `spinner` exceeded the limit `wall` of 0.1 s",
        ),
    ] {
        let call = Call {
            limits: Some(limits),
            ..Call::default()
        };
        let attacking = Arc::clone(&plugin);
        let report = harness.attack(expected, BOUNDS, move || attacking.compare(call, pairs()));
        assert_eq!(report.outcome.expect_err("ended").to_string(), expected);
        assert!(report.judgements.is_empty());
    }
}

#[test]
fn what_is_said_in_form_is_handed_on_as_it_is() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let same = Judgement {
        verdict: Verdict::Same,
        pointers: Vec::new(),
        left_alone: Vec::new(),
    };
    let lies = hostile(&sandbox, "lies", JUDGE_ALL);
    assert_eq!(check(&lies), Ok(vec![same.clone(); PAIRS]));
    // The last word stands, however often and in whatever order pairs are judged.
    let nonsense = format!(
        "{JUDGE_ALL}
         (i32.store (i32.const 4096) (i32.const 2048)) (i32.store (i32.const 4100) (i32.const 13))
         (call $judge (call $pair (local.get 1) (i32.const 1)) (i32.const 1) (i32.const 4096) (i32.const 1))"
    );
    let nonsense = check(&hostile(&sandbox, "nonsense", &nonsense)).expect("judgements");
    let odd = Judgement {
        verdict: Verdict::Drifted,
        pointers: vec!["not a pointer".to_owned()],
        left_alone: Vec::new(),
    };
    assert_eq!(nonsense, [same.clone(), odd, same]);
}
