//! The rules for one object, in kstatus's order: what every object may say, then what its kind
//! says, then a Ready condition; an object that says nothing is current.

use jiff::Timestamp;
use serde_json::Value;

use crate::condition::conditions;
use crate::field::{Error, strict_integer, strict_string, string};
use crate::kind;
use crate::status::{Health, Status};

/// The health of an object as Flux reads it when no expressions of the user are in force. `now` is
/// needed for pods that wait for a node.
///
/// Flux's reader for Jobs stands before kstatus's rules: a Job is current when it has completed, not
/// when it has started, and deletion and generation do not matter.
pub fn status(object: &Value, now: Timestamp) -> Health {
    let judged = if kind::is_job(object) {
        kind::job(object)
    } else {
        judge(object, now)
    };
    judged.unwrap_or_else(Health::unknown)
}

/// kstatus's own rules, which differ from [`status`] for Jobs (fluxcd/cli-utils, `status.Compute`).
pub fn compute(object: &Value, now: Timestamp) -> Health {
    judge(object, now).unwrap_or_else(Health::unknown)
}

fn judge(object: &Value, now: Timestamp) -> Result<Health, Error> {
    if let Some(health) = generic(object)? {
        return Ok(health);
    }
    if let Some(rule) = kind::rule(object) {
        return rule(object, now);
    }
    if let Some(health) = ready_condition(object)? {
        return Ok(health);
    }
    Ok(Health::current("Resource is current"))
}

/// Deletion, an unseen generation, and the conditions Reconciling and Stalled.
fn generic(object: &Value) -> Result<Option<Health>, Error> {
    let deleted = strict_string(object, &["metadata", "deletionTimestamp"])
        .map_err(|error| format!("looking up metadata.deletionTimestamp from resource: {error}"))?;
    if deleted.is_some_and(|time| !time.is_empty()) {
        return Ok(Some(Health::new(
            Status::Terminating,
            "Resource scheduled for deletion",
        )));
    }
    if let (Some(generation), Some(observed)) = (generation(object)?, observed_generation(object)?)
        && generation != observed
    {
        let kind = string(object, &["kind"], "");
        let message = format!(
            "{kind} generation is {generation}, but latest observed generation is {observed}"
        );
        return Ok(Some(Health::in_progress(message)));
    }
    for condition in conditions(object)? {
        if condition.is_true("Reconciling") {
            return Ok(Some(Health::in_progress(condition.message)));
        }
        if condition.is_true("Stalled") {
            return Ok(Some(Health::failed(condition.message)));
        }
    }
    Ok(None)
}

pub(crate) fn generation(object: &Value) -> Result<Option<i64>, Error> {
    strict_integer(object, &["metadata", "generation"])
        .map_err(|error| format!("looking up metadata.generation from resource: {error}"))
}

pub(crate) fn observed_generation(object: &Value) -> Result<Option<i64>, Error> {
    strict_integer(object, &["status", "observedGeneration"])
        .map_err(|error| format!("looking up status.observedGeneration from resource: {error}"))
}

/// False and unknown both count as on the way: nothing tells whether it will ever be ready.
fn ready_condition(object: &Value) -> Result<Option<Health>, Error> {
    Ok(conditions(object)?
        .into_iter()
        .filter(|condition| condition.kind == "Ready")
        .find_map(|condition| match condition.status {
            "True" => Some(Health::current("Resource is Ready")),
            "False" | "Unknown" => Some(Health::in_progress(condition.message)),
            _ => None,
        }))
}
