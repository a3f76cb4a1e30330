//! Pairs of objects, what is said of them, and what is sent. The cases are files in `cases`:
//! sections `-- rules --` (optional, JSON), `-- desired --`, `-- live --`, `-- dry-run --`
//! (all JSON), `-- verdict --` (the word, then one pointer a line) and `-- payload --` (JSON).

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_drift::{Error, Pair, Rules, Upkeep, compare};

fn sections(case: &str) -> BTreeMap<&str, &str> {
    case.split("-- ")
        .skip(1)
        .map(|part| part.split_once(" --\n").expect("a section"))
        .collect()
}

fn run(case: &str) {
    let sections = sections(case);
    let json = |name: &str| {
        sections
            .get(name)
            .map(|text| serde_json::from_str::<Value>(text).expect(name))
    };
    let rules = Rules::from_json(
        sections
            .get("rules")
            .copied()
            .unwrap_or(r#"{"fieldManager": "ours"}"#),
    )
    .expect("rules");
    let desired = json("desired").expect("desired");
    let (live, dry_run) = (json("live"), json("dry-run"));
    let pair = Pair {
        desired: &desired,
        live: live.as_ref(),
        dry_run: dry_run.as_ref(),
    };
    let judgement = compare([pair], &rules).next().expect("one for one");
    if let Some(expected) = sections.get("verdict") {
        let mut actual = vec![format!("{:?}", judgement.verdict)];
        actual.extend(judgement.pointers.iter().map(ToString::to_string));
        assert_eq!(
            actual.join("\n"),
            expected.trim_end_matches('\n').replace("<whole>", "")
        );
    }
    if let Some(expected) = json("payload") {
        let mut payload = desired.clone();
        let live = live.as_ref().expect("live");
        for (pointer, upkeep) in &judgement.left_alone {
            match (upkeep, pointer.find(live)) {
                (Upkeep::Adopt, Some(value)) => pointer.set(&mut payload, value.clone()),
                _ => pointer.remove(&mut payload),
            }
        }
        assert_eq!(payload, expected);
    }
    assert!(
        sections.contains_key("verdict") || sections.contains_key("payload"),
        "nothing is expected"
    );
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                run(include_str!(concat!("cases/", stringify!($name), ".txt")));
            }
        )*
    };
}

cases!(
    same_with_dry_run,
    drifted_with_dry_run,
    created_in_dry_run,
    missing,
    ignored_path,
    ignored_and_other,
    rule_of_other_object,
    ignored_adopted,
    ignored_stripped,
    ignored_in_a_keyed_list,
    ignored_and_gone,
    ignored_without_dry_run,
    metrics_of_old_servers,
    owned_same,
    owned_atomic,
    owned_by_nobody,
    owned_defaulted_key,
    owned_in_other_version,
    owned_reordered,
    owned_taken_out,
    owned_drifted,
    owned_left_over,
);

fn error(rules: &str) -> String {
    Rules::from_json(rules)
        .map(|_| ())
        .expect_err("refused")
        .to_string()
}

#[test]
fn bad_rules() {
    // The lead is that of the behaviour corpus.
    let text =
        error(r#"{"ignore": [{"paths": ["/data"], "target": {"labelSelector": "a in b"}}]}"#);
    assert!(
        text.starts_with("failed to create ignore rule selector: invalid label selector: "),
        "{text}"
    );
    let text = error(r#"{"ignore": [{"paths": ["/data"], "target": {"name": "("}}]}"#);
    assert!(
        text.starts_with(
            "failed to create ignore rule selector: invalid name regex: error parsing regexp: "
        ),
        "{text}"
    );
    assert_eq!(
        Rules::from_json(r#"{"ignore": [{"paths": ["data"]}]}"#).map(|_| ()),
        Err(Error::Pointer("data".to_owned()))
    );
    let text = error("{");
    assert!(
        text.starts_with("invalid configuration of the drift check: "),
        "{text}"
    );
}

#[test]
fn patterns_match_as_a_whole() {
    let rules = |target: &str| {
        let text = format!(r#"{{"ignore": [{{"paths": ["/data/k"], "target": {target}}}]}}"#);
        Rules::from_json(&text).expect("rules")
    };
    let object = |value: &str| {
        serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"k": value},
            "metadata": {"name": "web-1", "namespace": "team", "resourceVersion": "1", "labels": {"a": "b"}},
        })
    };
    let (live, wanted) = (object("1"), object("2"));
    let verdict = |target: &str| {
        let pair = Pair {
            desired: &wanted,
            live: Some(&live),
            dry_run: Some(&wanted),
        };
        format!(
            "{:?}",
            compare([pair], &rules(target)).next().expect("one").verdict
        )
    };
    for matching in [
        "{}",
        r#"{"kind": "ConfigMap", "name": "web-.*", "version": "v1"}"#,
        r#"{"name": "x|web-1"}"#,
        r#"{"namespace": "te.m", "labelSelector": "a=b,!c"}"#,
        r#"{"annotationSelector": "!x"}"#,
    ] {
        assert_eq!(verdict(matching), "Ignored", "{matching}");
    }
    for other in [
        r#"{"name": "web"}"#,
        r#"{"kind": "Config"}"#,
        r#"{"group": "apps"}"#,
        r#"{"version": "v"}"#,
        r#"{"namespace": "tea"}"#,
        r#"{"labelSelector": "a=c"}"#,
        r#"{"annotationSelector": "x"}"#,
    ] {
        assert_eq!(verdict(other), "Drifted", "{other}");
    }
}
