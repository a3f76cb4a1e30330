//! Objects and their health, and sets of them. The cases are blocks of lines in `cases/*.txt`:
//! `object:` as JSON, then `is:` the status and the message. All times are near 2026-01-01T00:01:00Z.

use jiff::Timestamp;
use serde_json::Value;
use tidegate_health::{
    Health, Observation, Progress, Status, compute, failure, may_vanish, pod_selection, progress,
    status, status_with_pods, termination_timeout,
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

#[test]
fn pods_decide_for_what_controls_them() {
    let set = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s", "namespace": "team"},
        "spec": {"replicas": 2, "selector": {
            "matchLabels": {"app": "s"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "x", "operator": "DoesNotExist"},
            ],
        }},
    });
    let selection = pod_selection(&set, &status(&set, now())).expect("it is on its way");
    assert_eq!(selection.namespace, "team");
    assert_eq!(selection.labels, "app=s,tier in (a,b),!x");
    assert_eq!(pod_selection(&set, &Health::new(Status::Current, "")), None);

    let crashing = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
        ]},
    });
    let mut deleted = crashing.clone();
    deleted["metadata"] = serde_json::json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
    let waiting = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"},
        ]},
    });
    assert_eq!(compute(&waiting, now()).status, Status::Failed);
    let with = |pods: &[Value]| shown(&status_with_pods(&set, pods, now()));
    assert_eq!(with(&[]), "InProgress: Replicas: 0/2");
    assert_eq!(with(&[deleted, waiting]), "InProgress: Replicas: 0/2");
    assert_eq!(
        with(&[crashing.clone(), crashing]),
        "Failed: 2 pods have failed"
    );
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
    assert_eq!(
        termination_timeout(&object("Thing", "a")),
        "Thing/team/a termination timeout: context deadline exceeded"
    );
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
