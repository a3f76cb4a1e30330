use jiff::Timestamp;
use serde_json::Value;

use crate::compute::{generation, observed_generation};
use crate::condition::conditions;
use crate::field::{Error, integer, string};
use crate::status::Health;

/// What the deployment controller takes for no deadline.
const NO_DEADLINE: i64 = i32::MAX as i64;

fn status(object: &Value, field: &str) -> i64 {
    integer(object, &["status", field], 0)
}

/// As the controllers do, one replica when nothing is asked for.
fn wanted_replicas(object: &Value) -> i64 {
    integer(object, &["spec", "replicas"], 1)
}

pub(super) fn deployment(object: &Value, _: Timestamp) -> Result<Health, Error> {
    // Without a deadline the controller sets no Progressing condition.
    let deadline = integer(object, &["spec", "progressDeadlineSeconds"], NO_DEADLINE);
    let mut progressing = deadline == NO_DEADLINE;
    let mut is_available = false;
    for condition in conditions(object)? {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                return Ok(Health::failed("Progress deadline exceeded"));
            }
            "Progressing" => {
                progressing |=
                    condition.status == "True" && condition.reason == "NewReplicaSetAvailable";
            }
            "Available" => is_available |= condition.status == "True",
            _ => {}
        }
    }
    let wanted = wanted_replicas(object);
    let replicas = status(object, "replicas");
    let updated = status(object, "updatedReplicas");
    let ready = status(object, "readyReplicas");
    let available = status(object, "availableReplicas");
    let missing = if wanted > replicas {
        format!("Replicas: {replicas}/{wanted}")
    } else if wanted > updated {
        format!("Updated: {updated}/{wanted}")
    } else if replicas > wanted {
        format!("Pending termination: {}", replicas - wanted)
    } else if updated > available {
        format!("Available: {available}/{updated}")
    } else if wanted > ready {
        format!("Ready: {ready}/{wanted}")
    } else if !progressing {
        "ReplicaSet not Available".to_owned()
    } else if !is_available {
        "Deployment not Available".to_owned()
    } else {
        return Ok(Health::current(format!(
            "Deployment is available. Replicas: {replicas}"
        )));
    };
    Ok(Health::in_progress(missing))
}

pub(super) fn replica_set(object: &Value, _: Timestamp) -> Result<Health, Error> {
    if conditions(object)?
        .iter()
        .any(|condition| condition.is_true("ReplicaFailure"))
    {
        return Ok(Health::in_progress("Replica Failure condition. Check Pods"));
    }
    let wanted = wanted_replicas(object);
    let replicas = status(object, "replicas");
    let ready = status(object, "readyReplicas");
    let available = status(object, "availableReplicas");
    let labelled = status(object, "fullyLabeledReplicas");
    let missing = if wanted > labelled {
        format!("Labelled: {labelled}/{wanted}")
    } else if wanted > available {
        format!("Available: {available}/{wanted}")
    } else if wanted > ready {
        format!("Ready: {ready}/{wanted}")
    } else if replicas > wanted {
        format!("Pending termination: {}", replicas - wanted)
    } else {
        return Ok(Health::current(format!(
            "ReplicaSet is available. Replicas: {replicas}"
        )));
    };
    Ok(Health::in_progress(missing))
}

#[expect(clippy::unnecessary_wraps, reason = "a rule of the table")]
pub(super) fn stateful_set(object: &Value, _: Timestamp) -> Result<Health, Error> {
    // The user replaces the pods by hand.
    if string(object, &["spec", "updateStrategy", "type"], "") == "OnDelete" {
        return Ok(Health::current(
            "StatefulSet is using the ondelete update strategy",
        ));
    }
    let wanted = wanted_replicas(object);
    let replicas = status(object, "replicas");
    let ready = status(object, "readyReplicas");
    let current = status(object, "currentReplicas");
    let updated = status(object, "updatedReplicas");
    let partition = integer(
        object,
        &["spec", "updateStrategy", "rollingUpdate", "partition"],
        -1,
    );
    let missing = if wanted > replicas {
        format!("Replicas: {replicas}/{wanted}")
    } else if wanted > ready {
        format!("Ready: {ready}/{wanted}")
    } else if replicas > wanted {
        format!("Pending termination: {}", replicas - wanted)
    } else if partition != -1 {
        if updated >= wanted - partition {
            return Ok(Health::current(format!(
                "Partition rollout complete. updated: {updated}"
            )));
        }
        format!("updated: {updated}/{}", wanted - partition)
    } else if wanted > current {
        format!("current: {current}/{wanted}")
    } else if string(object, &["status", "currentRevision"], "")
        != string(object, &["status", "updateRevision"], "")
    {
        "Waiting for updated revision to match current".to_owned()
    } else {
        let message = format!("All replicas scheduled as expected. Replicas: {replicas}");
        return Ok(Health::current(message));
    };
    Ok(Health::in_progress(missing))
}

pub(super) fn daemon_set(object: &Value, _: Timestamp) -> Result<Health, Error> {
    // The controller always sets both: without them it has not seen the object yet.
    let kind = string(object, &["kind"], "");
    if generation(object)?.is_none() {
        return Ok(Health::in_progress(format!(
            "{kind} metadata.generation not found"
        )));
    }
    if observed_generation(object)?.is_none() {
        return Ok(Health::in_progress(format!(
            "{kind} status.observedGeneration not found"
        )));
    }
    let wanted = integer(object, &["status", "desiredNumberScheduled"], -1);
    let current = status(object, "currentNumberScheduled");
    let updated = status(object, "updatedNumberScheduled");
    let available = status(object, "numberAvailable");
    let ready = status(object, "numberReady");
    let missing = if wanted == -1 {
        "Missing .status.desiredNumberScheduled".to_owned()
    } else if wanted > current {
        format!("Current: {current}/{wanted}")
    } else if wanted > updated {
        format!("Updated: {updated}/{wanted}")
    } else if wanted > available {
        format!("Available: {available}/{wanted}")
    } else if wanted > ready {
        format!("Ready: {ready}/{wanted}")
    } else {
        let message = format!("All replicas scheduled as expected. Replicas: {wanted}");
        return Ok(Health::current(message));
    };
    Ok(Health::in_progress(missing))
}
