//! The events of a Kustomization, and what they carry.

use super::super::outcome::Revision;
use super::go;
use std::collections::BTreeMap;
use std::time::Duration;
use tidegate_api::meta::event;
use tidegate_api::meta::group::KUSTOMIZE;
use tidegate_api::meta::reason;
use tidegate_apply::ChangeSet;
use tidegate_values::Event;
use tidegate_values::ObjectRef;
use tidegate_values::Severity;

/// Tells what an apply changed. `None` when it changed nothing.
pub(in crate::kustomization) fn applied(revision: &Revision, changes: &ChangeSet) -> Option<Event> {
    let log = changes.log();
    (!log.is_empty()).then(|| progress_event(revision, log))
}

/// Writes into the log what an apply did, unchanged objects included, by object or by action
/// (kustomize-controller, `apply`).
pub(in crate::kustomization) fn log_applied(
    revision: &Revision,
    changes: &ChangeSet,
    by_action: bool,
) {
    if changes.is_empty() || !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let output = if by_action {
        serde_json::json!(changes.by_action())
    } else {
        serde_json::json!(changes.by_object())
    };
    tracing::info!(%output, revision = revision.revision, "server-side apply completed");
}

/// Tells what was pruned. `None` when there was nothing to prune.
pub(in crate::kustomization) fn pruned(revision: &Revision, changes: &ChangeSet) -> Option<Event> {
    (!changes.is_empty()).then(|| progress_event(revision, changes.to_string()))
}

/// Told when objects are healthy that were not before.
pub(in crate::kustomization) fn health_passed(revision: &Revision, took: Duration) -> Event {
    progress_event(revision, passed(took))
}

/// What somebody changed could not be put right while health is waited for, which goes on.
pub(in crate::kustomization) fn repair_failed(revision: &Revision, message: &str) -> Event {
    let message = format!("repair failed: {}", message.trim_end());
    tracing::error!(revision = revision.revision, "{message}");
    event_of(
        Severity::Error,
        reason::RECONCILIATION_FAILED,
        message,
        Some(revision),
    )
}

/// One object was repaired so often that we stand back.
pub(in crate::kustomization) fn contested(
    object: &ObjectRef,
    manager: &str,
    pause: Duration,
) -> Event {
    let message = format!(
        "{object} is changed again and again by '{manager}': repairing it not before {}",
        go(pause)
    );
    event_of(Severity::Error, reason::PROGRESSING, message, None)
}

pub(super) fn passed(took: Duration) -> String {
    format!("Health check passed in {}", go(took))
}

fn progress_event(revision: &Revision, message: String) -> Event {
    event_of(Severity::Info, reason::PROGRESSING, message, Some(revision))
}

pub(super) fn event_of(
    severity: Severity,
    reason: &str,
    message: String,
    revision: Option<&Revision>,
) -> Event {
    let mut annotations = BTreeMap::new();
    if let Some(revision) = revision {
        if !revision.revision.is_empty() {
            annotations.insert(
                format!("{KUSTOMIZE}/{}", event::REVISION),
                revision.revision.clone(),
            );
        }
        if let Some(origin) = &revision.origin {
            annotations.insert(
                format!("{KUSTOMIZE}/{}", event::ORIGIN_REVISION),
                origin.clone(),
            );
        }
    }
    Event {
        object: ObjectRef::default(),
        severity,
        reason: reason.to_owned(),
        message,
        annotations,
    }
}
