//! Kinds whose health is a field or a condition.

use jiff::Timestamp;
use serde_json::Value;

use crate::condition::conditions;
use crate::field::{Error, string};
use crate::status::Health;

#[expect(clippy::unnecessary_wraps, reason = "a rule of the table")]
pub(super) fn always(_: &Value, _: Timestamp) -> Result<Health, Error> {
    Ok(Health::current("Resource is always ready"))
}

/// The generation was seen, or this would not be asked.
#[expect(clippy::unnecessary_wraps, reason = "a rule of the table")]
pub(super) fn disruption_budget(_: &Value, _: Timestamp) -> Result<Health, Error> {
    Ok(Health::current("AllowedDisruptions has been computed."))
}

#[expect(clippy::unnecessary_wraps, reason = "a rule of the table")]
pub(super) fn volume_claim(object: &Value, _: Timestamp) -> Result<Health, Error> {
    let phase = string(object, &["status", "phase"], "unknown");
    Ok(if phase == "Bound" {
        Health::current("PVC is Bound")
    } else {
        Health::in_progress(format!("PVC is not Bound. phase: {phase}"))
    })
}

/// A load balancer needs no address: clusters without a provider never give one.
#[expect(clippy::unnecessary_wraps, reason = "a rule of the table")]
pub(super) fn service(object: &Value, _: Timestamp) -> Result<Health, Error> {
    let kind = string(object, &["spec", "type"], "ClusterIP");
    let address = string(object, &["spec", "clusterIP"], "");
    Ok(if kind == "LoadBalancer" && address.is_empty() {
        Health::in_progress("ClusterIP not set. Service type: LoadBalancer")
    } else {
        Health::current("Service is ready")
    })
}

pub(super) fn definition(object: &Value, _: Timestamp) -> Result<Health, Error> {
    for condition in conditions(object)? {
        if condition.is("NamesAccepted", "False") {
            return Ok(Health::failed(condition.message));
        }
        if condition.is("Established", "False") && condition.reason != "Installing" {
            return Ok(Health::failed(condition.message));
        }
        if condition.is_true("Established") {
            return Ok(Health::current("CRD is established"));
        }
    }
    Ok(Health::in_progress("Install in progress"))
}
