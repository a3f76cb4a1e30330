//! Rules for built-in kinds (fluxcd/cli-utils, `pkg/kstatus/status/core.go`).

mod batch;
mod pod;
mod simple;
mod workload;

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use batch::job;
pub use pod::{PodSelection, pod_selection, status_with_pods};

use crate::field::{Error, group_kind};
use crate::status::Health;

/// Judges an object of its kind, which generic rules did not decide.
pub(crate) type Rule = fn(&Value, Timestamp) -> Result<Health, Error>;

/// Group, kind and rule. A kind that is not here is judged by its Ready condition.
const RULES: &[(&str, &str, Rule)] = &[
    ("", "ConfigMap", simple::always),
    ("", "PersistentVolumeClaim", simple::volume_claim),
    ("", "Pod", pod::pod),
    ("", "Secret", simple::always),
    ("", "Service", simple::service),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        simple::definition,
    ),
    ("apps", "DaemonSet", workload::daemon_set),
    ("apps", "Deployment", workload::deployment),
    ("apps", "ReplicaSet", workload::replica_set),
    ("apps", "StatefulSet", workload::stateful_set),
    ("batch", "CronJob", simple::always),
    ("batch", "Job", batch::started_job),
    ("extensions", "DaemonSet", workload::daemon_set),
    ("extensions", "Deployment", workload::deployment),
    ("extensions", "ReplicaSet", workload::replica_set),
    ("policy", "PodDisruptionBudget", simple::disruption_budget),
];

pub(crate) fn rule(object: &Value) -> Option<Rule> {
    let (group, kind) = group_kind(object);
    RULES
        .iter()
        .find(|(g, k, _)| *g == group && *k == kind)
        .map(|(_, _, rule)| *rule)
}

pub(crate) fn is_job(object: &Value) -> bool {
    group_kind(object) == ("batch", "Job")
}
