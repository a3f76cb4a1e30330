use serde_json::{Value, json};
use std::sync::Arc;
use tidegate_sandbox::{PluginPre, Sandbox, SandboxConfig};
use tidegate_values::{
    Comparison, DriftCheck, DriftCheckError, Judgement, ObjectRef, Pair, Upkeep, Verdict,
};

fn drift() -> Arc<PluginPre> {
    let sandbox = Sandbox::new(SandboxConfig::controller()).expect("sandbox");
    sandbox
        .builtin("drift")
        .expect("run `cargo xtask plugins` first")
}

fn check(config: &Value, pairs: Vec<Pair>) -> Result<Vec<Judgement>, DriftCheckError> {
    drift().check(Comparison {
        tenant: "team".to_owned(),
        config: config.to_string(),
        pairs,
    })
}

fn settings(data: &Value) -> Arc<Value> {
    let fields = json!([{"manager": "us", "operation": "Apply", "apiVersion": "v1",
        "fieldsV1": {"f:data": {"f:color": {}, "f:size": {}}}}]);
    Arc::new(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": "settings", "namespace": "team", "resourceVersion": "7", "managedFields": fields}}),
    )
}

fn pair(live: Option<&Value>, dry_run: Option<&Value>) -> Pair {
    Pair {
        id: ObjectRef {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: "team".to_owned(),
            name: "settings".to_owned(),
        },
        desired: settings(&json!({"color": "blue", "size": "1"})),
        live: live.map(settings),
        dry_run: dry_run.map(settings),
        last_manager: None,
    }
}

#[test]
fn every_pair_is_judged_in_its_order() {
    let wanted = json!({"color": "blue", "size": "1"});
    let other = json!({"color": "red", "size": "1"});
    let pairs = vec![
        pair(Some(&wanted), Some(&wanted)),
        pair(Some(&other), Some(&wanted)),
        pair(None, None),
        pair(Some(&wanted), None),
        pair(Some(&other), None),
    ];
    let judgements = check(&json!({"fieldManager": "us"}), pairs).expect("judgements");
    let judged: Vec<_> = judgements
        .iter()
        .map(|judgement| (judgement.verdict, judgement.pointers.join(",")))
        .collect();
    let drifted = (Verdict::Drifted, "/data/color".to_owned());
    let same = (Verdict::Same, String::new());
    let gone = (Verdict::Drifted, String::new());
    assert_eq!(judged, [same.clone(), drifted.clone(), gone, same, drifted]);
}

#[test]
fn it_says_what_is_left_alone() {
    let rules = json!({"fieldManager": "us", "ignore": [{"paths": ["/data/color", "/data/new"]}]});
    let live = json!({"color": "red", "size": "0"});
    let dry_run = json!({"color": "blue", "size": "1", "new": "x"});
    let judgements = check(&rules, vec![pair(Some(&live), Some(&dry_run))]).expect("judgements");
    let expected = Judgement {
        verdict: Verdict::Drifted,
        pointers: vec!["/data/size".to_owned()],
        left_alone: vec![
            ("/data/new".to_owned(), Upkeep::Release),
            ("/data/color".to_owned(), Upkeep::Adopt),
        ],
    };
    assert_eq!(judgements, [expected]);
}

#[test]
fn rules_are_refused_without_pairs() {
    let rules = json!({"ignore": [{"paths": ["/data"], "target": {"name": "("}}]});
    let Err(DriftCheckError::Configuration(text)) = check(&rules, Vec::new()) else {
        panic!("taken");
    };
    assert!(
        text.starts_with("failed to create ignore rule selector: invalid name regex: "),
        "{text}"
    );
    let rules = json!({"ignore": [{"paths": ["/data"]}]});
    assert_eq!(check(&rules, Vec::new()), Ok(Vec::new()));
}
