//! What is planned and what is reported, as data: `tests/cases/plan` and `tests/cases/report`.
//!
//! A case is a YAML file: `about`; `proof`, where what is expected was recorded or read, or `unproved`; and
//! - `object`, merged into a plain Kustomization `team/app` of generation 1 that was never reconciled;
//! - `source`: `missing`, `denied` or `unreadable` with a text, `without artifact`, or `artifact` merged into a plain
//!   one; a plain one stands when it is left out;
//! - `dependencies`: Kustomizations, each merged into a plain one; `unreadable`: the text of why one in `team` could not
//!   be read, by its name;
//! - `settings`: those that planning reads.
//!
//! A plan is expected as `held` with a kind and a message, `finalize` or `apply`; of these only what is named is looked
//! at. A report is made of what the plan holds back, or of `attempt` or `finalized`. All its `conditions` and `events`
//! are expected, and of the rest what is named.

use super::Inputs;
use super::Plan;
use super::outcome::Attempt;
use super::outcome::Failure;
use super::outcome::Finalized;
use super::outcome::Health;
use super::outcome::Outcome;
use super::outcome::Revision;
use super::outcome::Step;
use super::plan::Apply;
use super::plan::HealthChecks;
use super::plan::plan;
use super::report::report;
use super::resolve::Source;
use crate::Settings;
use jiff::Timestamp;
use kube::ResourceExt as _;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::Kustomization;
use tidegate_kube::Key;
use tidegate_testkit::reports;

const TOOK: Duration = Duration::from_millis(1500);

#[test]
fn plans() {
    reports::play(env!("CARGO_MANIFEST_DIR"), "plan", |case| {
        let object = object(&case["object"]);
        let planned = plan(&object, &inputs(case), &settings(case));
        shown(&planned)
    });
}

#[test]
fn reports() {
    reports::play(env!("CARGO_MANIFEST_DIR"), "report", |case| {
        let object = object(&case["object"]);
        let inputs = inputs(case);
        let outcome = if !case["attempt"].is_null() {
            Outcome::Attempted(Box::new(attempt(&case["attempt"])))
        } else if !case["finalized"].is_null() {
            Outcome::Finalized(finalized(&case["finalized"]))
        } else {
            let planned = plan(&object, &inputs, &settings(case));
            planned.err().expect("a plan that is held back")
        };
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let made = report(&object, &inputs, &outcome, now, TOOK);
        json!({
            "conditions": reports::conditions(&made.status),
            "events": made.events.iter().map(reports::event).collect::<Vec<_>>(),
            "status": made.status,
            "next": format!("{:?}", made.next),
            "error": made.error,
            "finalizer": made.finalizer.map(|finalizer| format!("{finalizer:?}")),
        })
    });
}

fn object(change: &Value) -> Kustomization {
    let mut object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "app", "namespace": "team", "generation": 1, "finalizers": ["finalizers.fluxcd.io"]},
        "spec": {"interval": "1h", "path": "./app", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
        "status": {"observedGeneration": -1},
    });
    reports::merge(&mut object, change);
    serde_json::from_value(object).unwrap()
}

fn inputs(case: &Value) -> Inputs {
    let source = &case["source"];
    let text = |field: &str| source[field].as_str().map(str::to_owned);
    let found = |artifact: Value| {
        let mut status = json!({});
        if !artifact.is_null() {
            status["artifact"] = artifact;
        }
        let found = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "repo", "namespace": "team"}, "status": status});
        Source::Found(Arc::new(serde_json::from_value(found).unwrap()))
    };
    let source = if source == "without artifact" {
        found(Value::Null)
    } else if let Some(text) = text("missing") {
        Source::Missing(text)
    } else if let Some(text) = text("denied") {
        Source::Denied(text)
    } else if let Some(text) = text("unreadable") {
        Source::Unreadable(text)
    } else {
        let mut artifact = json!({"digest": "sha256:aa", "path": "gitrepository/team/repo/1.tar.gz",
            "url": "http://source/1.tar.gz", "revision": "main@sha1:1", "lastUpdateTime": "2026-01-01T00:00:00Z"});
        reports::merge(&mut artifact, &source["artifact"]);
        found(artifact)
    };
    let dependencies = case["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|dependency| {
            let dependency = object(dependency);
            (
                Key::new(dependency.namespace().unwrap(), dependency.name_any()),
                Ok(Arc::new(dependency)),
            )
        });
    let unreadable = case["unreadable"].as_object().into_iter().flatten();
    let unreadable = unreadable.map(|(name, cause)| {
        let cause = cause.as_str().unwrap().to_owned();
        (Key::new("team", name), Err(cause))
    });
    Inputs {
        source,
        dependencies: dependencies.chain(unreadable).collect(),
        requeue_dependency: Duration::from_secs(30),
    }
}

fn settings(case: &Value) -> Settings {
    let mut settings = Settings::default();
    for (name, value) in case["settings"].as_object().into_iter().flatten() {
        match name.as_str() {
            "defaultServiceAccount" => {
                settings.default_service_account = value.as_str().map(str::to_owned);
            }
            "additiveCelDependencyCheck" => settings.additive_cel_dependency_check = value == true,
            name => panic!("no setting {name}"),
        }
    }
    settings
}

fn attempt(case: &Value) -> Attempt {
    let mut attempt = Attempt::new(Revision {
        revision: "main@sha1:1".to_owned(),
        origin: None,
    });
    attempt.step = match case["step"].as_str().unwrap() {
        "fetching" => Step::Fetching,
        "building" => Step::Building,
        "detecting drift" => Step::DetectingDrift,
        "checking health" => Step::CheckingHealth,
        step => panic!("no step {step}"),
    };
    attempt.digest = case["digest"].as_str().map(str::to_owned);
    attempt.health = match &case["health"] {
        Value::Null => Health::NotChecked,
        Value::String(word) if word == "passed" => Health::Passed { took: TOOK },
        Value::String(word) if word == "unfinished" => Health::Unfinished,
        failed => Health::Failed {
            message: failed["failed"].as_str().unwrap().to_owned(),
        },
    };
    attempt.failure = case["failure"].as_object().map(|failure| {
        let (kind, text) = failure.iter().next().unwrap();
        let text = text.as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "artifactGone" => Failure::ArtifactGone,
            "deleted" => Failure::Deleted,
            "artifact" => Failure::Artifact(text),
            "build" => Failure::Build(text),
            "apply" => Failure::Apply(text),
            "prune" => Failure::Prune(text),
            "health" => Failure::Health {
                message: text,
                took: TOOK,
            },
            "canceled" => Failure::Canceled { by: text },
            "host" => Failure::Host(text),
            kind => panic!("no failure {kind}"),
        }
    });
    attempt
}

fn finalized(case: &Value) -> Finalized {
    let text = |field: &str| case[field].as_str().map(str::to_owned);
    if case == "kept" {
        Finalized::Kept
    } else if case == "deleted" {
        Finalized::Deleted { wait_failed: None }
    } else if let Some(error) = text("waitFailed") {
        Finalized::Deleted {
            wait_failed: Some(error),
        }
    } else if let Some(message) = text("failed") {
        Finalized::Failed { message }
    } else {
        let objects = case["nobodyToDelete"].as_array().unwrap();
        Finalized::NobodyToDelete {
            objects: objects
                .iter()
                .map(|it| it.as_str().unwrap().to_owned())
                .collect(),
        }
    }
}

fn shown(planned: &Result<Plan, Outcome>) -> Value {
    match planned {
        Ok(Plan::Apply(plan)) => json!({"apply": shown_apply(plan)}),
        Ok(Plan::Finalize(plan)) => json!({"finalize": {"delete": plan.delete, "wait": plan.wait,
            "timeout": plan.timeout.as_secs(), "account": plan.account}}),
        Err(held) => json!({"held": match held {
            Outcome::FinalizerMissing => json!({"as": "finalizer missing"}),
            Outcome::Suspended => json!({"as": "suspended"}),
            Outcome::NotServed { field } => json!({"as": "not served", "field": field}),
            Outcome::Misconfigured { message, .. } => json!({"as": "misconfigured", "message": message}),
            Outcome::AccessDenied { message } => json!({"as": "denied", "message": message}),
            Outcome::SourceMissing { message } => json!({"as": "source missing", "message": message}),
            Outcome::SourceUnreadable { message } => json!({"as": "source unreadable", "message": message}),
            Outcome::NoArtifact => json!({"as": "no artifact"}),
            Outcome::DependencyNotReady { message, .. } => json!({"as": "dependency not ready", "message": message}),
            Outcome::Finalized(_) | Outcome::Attempted(_) => panic!("a plan acts on nothing"),
        }}),
    }
}

fn shown_apply(plan: &Apply) -> Value {
    let health = match &plan.health {
        HealthChecks::None => json!("none"),
        HealthChecks::Applied => json!("what was applied"),
        HealthChecks::Listed(objects) => objects
            .iter()
            .map(|object| json!(format!("{} {object}", object.api_version)))
            .collect(),
    };
    let substitution = plan
        .substitution
        .as_ref()
        .map(|it| json!({"inline": it.inline, "always": it.always}));
    json!({
        "path": plan.path, "build": plan.build, "labels": plan.labels, "annotations": plan.annotations,
        "account": plan.account, "force": plan.force, "prune": plan.prune, "health": health,
        "timeout": plan.timeout.as_secs(), "requested": plan.requested, "isNewRevision": plan.is_new_revision,
        "wasHealthy": plan.was_healthy, "substitution": substitution,
        "revision": plan.revision.revision, "origin": plan.revision.origin,
    })
}
