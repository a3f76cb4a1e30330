use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::compute::{compute, generation, observed_generation, status};
use crate::condition::conditions;
use crate::field::{Error, group_kind, strict_list, strict_string, string};
use crate::status::{Health, Status};

/// How long a pod may look for a node before it counts as failed.
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

pub(super) fn pod(object: &Value, now: Timestamp) -> Result<Health, Error> {
    let conditions = conditions(object)?;
    match string(object, &["status", "phase"], "") {
        "Succeeded" => Ok(Health::current("Pod has completed successfully")),
        "Failed" => Ok(Health::current("Pod has completed, but not successfully")),
        "Running"
            if conditions
                .iter()
                .any(|condition| condition.is_true("Ready")) =>
        {
            Ok(Health::current("Pod is Ready"))
        }
        "Running" => {
            let crashing = crash_looping(object)?;
            Ok(if crashing.is_empty() {
                Health::in_progress("Pod is running but is not Ready")
            } else {
                Health::failed(format!(
                    "Containers in CrashLoop state: {}",
                    crashing.join(",")
                ))
            })
        }
        "Pending" => {
            let scheduling = conditions
                .iter()
                .find(|condition| condition.is("PodScheduled", "False"));
            Ok(
                if scheduling.is_none_or(|condition| condition.reason != "Unschedulable") {
                    Health::in_progress("Pod is in the Pending phase")
                } else if created(object)
                    .is_some_and(|created| now.duration_since(created) < SCHEDULE_WINDOW)
                {
                    Health::in_progress("Pod has not been scheduled")
                } else {
                    Health::failed("Pod could not be scheduled")
                },
            )
        }
        "" => Ok(Health::in_progress("Pod phase not available")),
        phase => Err(format!("unknown phase {phase}")),
    }
}

fn created(object: &Value) -> Option<Timestamp> {
    string(object, &["metadata", "creationTimestamp"], "")
        .parse()
        .ok()
}

fn crash_looping(object: &Value) -> Result<Vec<&str>, Error> {
    let containers = strict_list(object, &["status", "containerStatuses"])?.unwrap_or_default();
    let crashing = |container: &&Value| {
        string(container, &["state", "waiting", "reason"], "") == "CrashLoopBackOff"
    };
    Ok(containers
        .iter()
        .filter(crashing)
        .filter_map(|container| container.get("name")?.as_str())
        .collect())
}

/// Which pods an object is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSelection {
    /// Of the object, and so of its pods.
    pub namespace: String,
    /// As the API takes it in `labelSelector`.
    pub labels: String,
}

/// The pods of a StatefulSet or ReplicaSet that is on its way: one that has failed for good means
/// that the whole has. None for other kinds, a Deployment among them, as upstream has it; and when
/// the pods make no difference.
///
/// Upstream looks at the pods of a spec that its controller has not seen yet, too: those crash that
/// the new spec is to mend. They are left out here.
pub fn pod_selection(object: &Value, health: &Health) -> Option<PodSelection> {
    let controls_pods = matches!(group_kind(object), ("apps", "StatefulSet" | "ReplicaSet"));
    let seen = match (generation(object), observed_generation(object)) {
        (Ok(Some(generation)), Ok(observed)) => observed == Some(generation),
        _ => true,
    };
    if !controls_pods || !seen || health.status != Status::InProgress {
        return None;
    }
    let namespace = string(object, &["metadata", "namespace"], "").to_owned();
    let selector = object.get("spec")?.get("selector")?;
    Some(PodSelection {
        namespace,
        labels: label_selector(selector)?,
    })
}

/// A label selector of an object as text (apimachinery, `metav1.LabelSelectorAsSelector`).
fn label_selector(selector: &Value) -> Option<String> {
    let mut parts = Vec::new();
    for (key, value) in selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        parts.push(format!("{key}={}", value.as_str()?));
    }
    for expression in selector
        .get("matchExpressions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let key = expression.get("key")?.as_str()?;
        let values = expression
            .get("values")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let values: Vec<&str> = values.map(Value::as_str).collect::<Option<_>>()?;
        let values = values.join(",");
        parts.push(match expression.get("operator")?.as_str()? {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    Some(parts.join(","))
}

/// The health of an object that [`pod_selection`] named pods for, which `pods` are (fluxcd/cli-utils,
/// `pkg/kstatus/polling/statusreaders/pod_controller.go`). Pods that wait for a node, which an
/// autoscaler may bring, and pods that are being deleted do not count.
pub fn status_with_pods(object: &Value, pods: &[Value], now: Timestamp) -> Health {
    let health = status(object, now);
    if health.status != Status::InProgress {
        return health;
    }
    let failed = pods
        .iter()
        .filter(|pod| compute(pod, now).status == Status::Failed && !is_transient(pod));
    match failed.count() {
        0 => health,
        failed => Health::failed(format!("{failed} pods have failed")),
    }
}

fn is_transient(pod: &Value) -> bool {
    let is_deleted =
        strict_string(pod, &["metadata", "deletionTimestamp"]).is_ok_and(|time| time.is_some());
    let unschedulable = conditions(pod).is_ok_and(|conditions| {
        let mut scheduling = conditions
            .iter()
            .filter(|condition| condition.is("PodScheduled", "False"));
        scheduling.any(|condition| condition.reason == "Unschedulable")
    });
    is_deleted || unschedulable
}
