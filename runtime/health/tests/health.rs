//! Objects and their health, and sets of them. The cases are blocks of lines in `cases/*.txt`:
//! `object:` as JSON, then `is:` the status and the message. All times are near 2026-01-01T00:01:00Z.

use jiff::Timestamp;
use serde_json::Value;
use tidegate_health::{
    Health, Observation, Progress, Status, compute, failure, may_vanish, pod_selection, progress,
    status, status_with_pods,
};
use tidegate_values::ObjectRef;

fn now() -> Timestamp {
    "2026-01-01T00:01:00Z".parse().expect("a time")
}

fn shown(health: &Health) -> String {
    let text = health.error.as_ref().unwrap_or(&health.message);
    format!("{}: {text}", health.status)
}

#[track_caller]
fn check(cases: &str) {
    let mut failures = Vec::new();
    let mut count = 0;
    for block in cases
        .split("\n\n")
        .filter(|block| block.contains("object: "))
    {
        let find = |key: &str| block.lines().find_map(|line| line.strip_prefix(key));
        let object: Value = serde_json::from_str(find("object: ").expect("object")).expect("JSON");
        let actual = shown(&status(&object, now()));
        count += 1;
        if Some(actual.as_str()) != find("is: ") {
            failures.push(format!("{block}\n=> {actual}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(count > 5, "the file was not read");
}

#[test]
fn generic() {
    check(include_str!("cases/generic.txt"));
}

#[test]
fn workloads() {
    check(include_str!("cases/workloads.txt"));
}

#[test]
fn other_kinds() {
    check(include_str!("cases/other_kinds.txt"));
}

/// kstatus takes a Job that runs for current; Flux does not.
#[test]
fn a_started_job_is_current_for_kstatus_alone() {
    let job = serde_json::json!({
        "apiVersion": "batch/v1", "kind": "Job", "status": {"startTime": "2026-01-01T00:00:00Z", "active": 1},
    });
    assert_eq!(
        shown(&compute(&job, now())),
        "Current: Job in progress. success:0, active: 1, failed: 0"
    );
    assert_eq!(
        shown(&status(&job, now())),
        "InProgress: Job in progress. success:0, active: 1, failed: 0"
    );
}

/// Blocks with the pods of the object, one `pod:` line each; `selects:` is the namespace and the
/// label selector of the pods that are asked for, `none` when they make no difference.
#[test]
fn pods_decide_for_what_controls_them() {
    let mut count = 0;
    for block in include_str!("cases/pods.txt")
        .split("\n\n")
        .filter(|block| block.contains("object: "))
    {
        let lines =
            |key: &'static str| block.lines().filter_map(move |line| line.strip_prefix(key));
        let read = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
        let object = read(lines("object: ").next().expect("object"));
        let pods: Vec<Value> = lines("pod: ").map(read).collect();
        let selected = pod_selection(&object, &status(&object, now()));
        let judged = match &selected {
            Some(_) => status_with_pods(&object, &pods, now()),
            None => status(&object, now()),
        };
        let selected = selected.map_or_else(
            || "none".to_owned(),
            |pods| format!("{} {}", pods.namespace, pods.labels),
        );
        assert_eq!(
            Some(selected.as_str()),
            lines("selects: ").next(),
            "{block}"
        );
        assert_eq!(
            Some(shown(&judged).as_str()),
            lines("is: ").next(),
            "{block}"
        );
        count += 1;
    }
    assert!(count > 8, "the file was not read");
}

fn object(kind: &str, name: &str) -> ObjectRef {
    let (api_version, namespace) = ("v1".to_owned(), "team".to_owned());
    ObjectRef {
        api_version,
        kind: kind.to_owned(),
        namespace,
        name: name.to_owned(),
    }
}

/// `name=Status`, `name=?` for one that was not read, `name=Vanished` for a Job that may.
fn observed(described: &str, test: impl Fn(&[Observation<'_>])) {
    let objects: Vec<(ObjectRef, Option<Health>, bool)> = described
        .split_whitespace()
        .map(|word| {
            let (name, status) = word.split_once('=').expect("name=status");
            let (health, may_vanish) = match status {
                "?" => (None, false),
                "Vanished" => (Some(Health::not_found()), true),
                "Current" => (Some(Health::new(Status::Current, "fine")), false),
                "InProgress" => (Some(Health::new(Status::InProgress, "soon")), false),
                "Failed" => (Some(Health::new(Status::Failed, "never")), false),
                "NotFound" => (Some(Health::not_found()), false),
                "Unknown" => (Some(Health::unknown("no access")), false),
                other => panic!("{other}"),
            };
            (object("Thing", name), health, may_vanish)
        })
        .collect();
    let observations: Vec<Observation<'_>> = objects
        .iter()
        .map(|(object, health, may_vanish)| Observation {
            object,
            health: health.as_ref(),
            may_vanish: *may_vanish,
        })
        .collect();
    test(&observations);
}

#[test]
fn what_a_set_comes_to() {
    let cases: &[(&str, bool, Progress)] = &[
        ("", true, Progress::Current),
        ("a=Current b=Current", true, Progress::Current),
        ("a=Current b=Vanished", true, Progress::Current),
        ("a=Current b=InProgress", true, Progress::Waiting),
        ("a=Current b=?", true, Progress::Waiting),
        ("a=Current b=NotFound", true, Progress::Waiting),
        ("a=Current b=Unknown", true, Progress::Waiting),
        ("a=Failed b=InProgress", true, Progress::Failed),
        ("a=Failed b=InProgress", false, Progress::Waiting),
        ("a=Failed b=Current", false, Progress::Failed),
    ];
    for (states, fail_fast, expected) in cases {
        observed(states, |set| {
            assert_eq!(progress(set, *fail_fast), *expected, "{states}");
        });
    }
}

/// The texts are those of the behaviour corpus.
#[test]
fn what_is_said_of_a_set() {
    let cases: &[(&str, bool, Option<&str>)] = &[
        ("a=Current b=Vanished", true, None),
        ("a=InProgress", false, None),
        (
            "a=Failed b=InProgress c=Failed",
            false,
            Some(
                "failed early due to stalled resources: [Thing/team/a status: 'Failed', Thing/team/c status: 'Failed']",
            ),
        ),
        (
            "a=Failed b=InProgress c=Current d=Vanished",
            true,
            Some(
                "timeout waiting for: [Thing/team/a status: 'Failed', Thing/team/b status: 'InProgress']",
            ),
        ),
        (
            "a=Unknown b=NotFound c=?",
            true,
            Some(
                "timeout waiting for: [Thing/team/a status: 'Unknown': no access, Thing/team/b status: 'NotFound', \
                 Thing/team/c status: 'Unknown']",
            ),
        ),
        (
            "a=? b=?",
            true,
            Some(
                "timeout waiting for: [can't determine status for Thing/team/a, can't determine status for Thing/team/b]",
            ),
        ),
    ];
    for (states, timed_out, expected) in cases {
        observed(states, |set| {
            assert_eq!(failure(set, *timed_out).as_deref(), *expected, "{states}");
        });
    }
}

#[test]
fn jobs_with_a_time_to_live_may_vanish() {
    let job =
        |spec: Value| serde_json::json!({"apiVersion": "batch/v1", "kind": "Job", "spec": spec});
    assert!(may_vanish(&job(
        serde_json::json!({"ttlSecondsAfterFinished": 0})
    )));
    assert!(!may_vanish(&job(
        serde_json::json!({"ttlSecondsAfterFinished": "0"})
    )));
    assert!(!may_vanish(&job(serde_json::json!({}))));
}
