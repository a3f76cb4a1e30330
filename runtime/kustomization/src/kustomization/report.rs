//! Every condition, reason, message and event of a Kustomization stands here.
//!
//! The order of steps is that of Flux (kustomize-controller, `kustomization_controller.go`, `Reconcile`,
//! `finalizeStatus`).

mod draft;
mod events;

pub(super) use events::applied;
pub(super) use events::contested;
pub(super) use events::health_passed;
pub(super) use events::log_applied;
pub(super) use events::pruned;
pub(super) use events::repair_failed;

use super::Inputs;
use super::outcome::Attempt;
use super::outcome::Failure;
use super::outcome::Finalized;
use super::outcome::Health;
use super::outcome::Outcome;
use super::outcome::Step;
use draft::Draft;
use events::event_of;
use events::passed;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use tidegate_api::ConditionStatus;
use tidegate_api::Duration as GoDuration;
use tidegate_api::Kustomization;
use tidegate_api::KustomizationStatus;
use tidegate_api::Time;
use tidegate_api::meta::condition;
use tidegate_api::meta::event;
use tidegate_api::meta::group::KUSTOMIZE;
use tidegate_api::meta::reason;
use tidegate_apply::ChangeSet;
use tidegate_flow::Next;
use tidegate_flow::Report;
use tidegate_flow::add_finalizer;
use tidegate_values::Event;
use tidegate_values::Severity;

/// Before the text of every mistake that only a change of the spec mends.
const TERMINAL: &str = "Reconciliation failed terminally due to configuration error";

/// The status while `step` is under way.
pub(super) fn progress(
    object: &Kustomization,
    attempt: &Attempt,
    now: Timestamp,
) -> KustomizationStatus {
    let mut draft = Draft::new(object, now);
    draft.progress(attempt);
    draft.into_inner().status
}

/// Tells what goes away with its Kustomization. `None` when there was nothing.
pub(super) fn deleted(object: &Kustomization, changes: &ChangeSet) -> Option<Event> {
    if changes.is_empty() {
        return None;
    }
    let draft = Draft::new(object, Timestamp::UNIX_EPOCH);
    let revision = draft.last_applied();
    Some(event_of(
        Severity::Info,
        draft.reason(Severity::Info),
        changes.to_string(),
        Some(&revision),
    ))
}

pub(super) fn report(
    object: &Kustomization,
    inputs: &Inputs,
    outcome: &Outcome,
    now: Timestamp,
    took: Duration,
) -> Report {
    let mut draft = Draft::new(object, now);
    let next = match outcome {
        Outcome::FinalizerMissing => return add_finalizer(object),
        Outcome::Finalized(finalized) => {
            let next = draft.finalized(finalized);
            if next == Next::Never {
                draft.release();
            }
            next
        }
        Outcome::Attempted(attempt) => draft.attempted(attempt, inputs, took),
        held => draft.held(held, inputs),
    };
    draft.finish(object, took);
    draft.into_inner().report(next)
}

impl Draft<'_> {
    /// Nothing was attempted.
    fn held(&mut self, outcome: &Outcome, inputs: &Inputs) -> Next {
        match outcome {
            Outcome::NotServed { field } => {
                let way_out = if self.object.metadata.deletion_timestamp.is_some() {
                    "what was applied is not deleted, set spec.deletionPolicy to Orphan to leave it"
                } else {
                    "remove the field"
                };
                let message = format!(
                    "{field} is not served by this version of Tidegate: {way_out}, or wait for a version that serves it"
                );
                self.stalled(reason::FEATURE_GATE_DISABLED, &message);
                self.observe_generation();
                self.fail(message, None);
                Next::Never
            }
            Outcome::Misconfigured {
                reason,
                message,
                revision,
            } => {
                let message = format!("{TERMINAL}: {message}");
                self.stalled(reason, &message);
                self.observe_generation();
                self.fail(message, revision.as_ref());
                Next::Never
            }
            Outcome::AccessDenied { message } => {
                self.stalled(reason::ACCESS_DENIED, message);
                self.fail(message.clone(), None);
                Next::Never
            }
            Outcome::SourceMissing { message } => {
                self.not_ready(reason::ARTIFACT_FAILED, message);
                tracing::info!("Source '{}' not found", self.object.spec.source_ref);
                Next::After(self.object.spec.retry_interval().to_std())
            }
            Outcome::SourceUnreadable { message } => {
                self.not_ready(reason::ARTIFACT_FAILED, message);
                self.error = Some(message.clone());
                Next::Retry
            }
            Outcome::NoArtifact => self.wait_for_artifact("Source artifact not found", inputs),
            Outcome::DependencyNotReady { message, revision } => {
                self.not_ready(reason::DEPENDENCY_NOT_READY, message);
                let pause = inputs.requeue_dependency;
                let message = format!(
                    "Dependencies do not meet ready condition, retrying in {}",
                    go(pause)
                );
                tracing::info!("{message}");
                self.tell(message, Some(revision));
                Next::After(pause)
            }
            // Suspended: told by `finish`. The others have reports of their own.
            Outcome::Suspended
            | Outcome::FinalizerMissing
            | Outcome::Finalized(_)
            | Outcome::Attempted(_) => Next::Never,
        }
    }

    fn wait_for_artifact(&mut self, what: &str, inputs: &Inputs) -> Next {
        let message = format!("{what}, retrying in {}", go(inputs.requeue_dependency));
        tracing::info!("{message}");
        self.not_ready(reason::ARTIFACT_FAILED, &message);
        Next::After(inputs.requeue_dependency)
    }

    fn progress(&mut self, attempt: &Attempt) {
        let revision = &attempt.revision.revision;
        let timeout = self.object.spec.timeout();
        let doing = match attempt.step {
            Step::Fetching => "Fetching manifests",
            Step::Building => "Building manifests",
            Step::DetectingDrift => "Detecting drift",
            Step::CheckingHealth => "Running health checks",
        };
        let message = format!("{doing} for revision {revision} with a timeout of {timeout}");
        self.set(
            condition::READY,
            ConditionStatus::Unknown,
            reason::PROGRESSING,
            "Reconciliation in progress",
        );
        self.set(
            condition::RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING,
            &message,
        );
        self.remove(condition::STALLED);
        if attempt.step >= Step::Building {
            self.status.last_attempted_revision = Some(revision.clone());
        }
        if let Some(inventory) = &attempt.inventory {
            self.status.inventory = Some(inventory.clone());
        }
        match &attempt.health {
            Health::Unfinished => {
                self.set(
                    condition::HEALTHY,
                    ConditionStatus::Unknown,
                    reason::PROGRESSING,
                    &message,
                );
            }
            Health::Passed { took } => {
                self.set(
                    condition::HEALTHY,
                    ConditionStatus::True,
                    reason::SUCCEEDED,
                    &passed(*took),
                );
            }
            Health::Failed { message } => {
                self.set(
                    condition::HEALTHY,
                    ConditionStatus::False,
                    reason::HEALTH_CHECK_FAILED,
                    message,
                );
            }
            Health::NotChecked => {}
        }
    }

    fn attempted(&mut self, attempt: &Attempt, inputs: &Inputs, took: Duration) -> Next {
        self.progress(attempt);
        let Some(failure) = &attempt.failure else {
            return self.succeeded(attempt, took);
        };
        let (reason, message) = match failure {
            Failure::ArtifactGone => {
                return self.wait_for_artifact("Source is not ready, artifact not found", inputs);
            }
            Failure::Host(message) => {
                self.not_ready(reason::RECONCILIATION_FAILED, message);
                self.fail(message.clone(), Some(&attempt.revision));
                return Next::Retry;
            }
            Failure::Deleted => return Next::Now,
            Failure::Canceled { by } => {
                let message = format!("New reconciliation triggered by {by}");
                self.not_ready(reason::HEALTH_CHECK_CANCELED, &message);
                let message =
                    format!("Health checks canceled due to new reconciliation triggered by {by}");
                tracing::info!("{message}");
                self.tell(message, Some(&attempt.revision));
                return Next::Now;
            }
            Failure::Artifact(message) => (reason::ARTIFACT_FAILED, message.clone()),
            Failure::Build(message) => (reason::BUILD_FAILED, message.clone()),
            Failure::Apply(message) => (reason::RECONCILIATION_FAILED, message.clone()),
            Failure::Prune(message) => (reason::PRUNE_FAILED, message.clone()),
            Failure::Health { message, took } => (
                reason::HEALTH_CHECK_FAILED,
                format!("health check failed after {}: {message}", go(*took)),
            ),
        };
        self.note(attempt, reason, took);
        self.not_ready(reason, &message);
        self.fail(message, Some(&attempt.revision));
        Next::After(self.object.spec.retry_interval().to_std())
    }

    fn succeeded(&mut self, attempt: &Attempt, took: Duration) -> Next {
        if attempt.health == Health::NotChecked {
            self.remove(condition::HEALTHY);
        }
        let revision = &attempt.revision;
        self.status.last_applied_revision = Some(revision.revision.clone());
        self.status
            .last_applied_origin_revision
            .clone_from(&revision.origin);
        let message = format!("Applied revision: {}", revision.revision);
        self.set(
            condition::READY,
            ConditionStatus::True,
            reason::RECONCILIATION_SUCCEEDED,
            &message,
        );
        self.note(attempt, reason::RECONCILIATION_SUCCEEDED, took);
        Next::Interval(self.object.spec.interval.to_std())
    }

    /// Enters the attempt into the history, if it came as far as manifests.
    fn note(&mut self, attempt: &Attempt, reason: &str, took: Duration) {
        if matches!(
            attempt.failure,
            Some(Failure::Build(_) | Failure::Artifact(_))
        ) {
            return;
        }
        let Some(digest) = &attempt.digest else {
            return;
        };
        let mut metadata =
            BTreeMap::from([("revision".to_owned(), attempt.revision.revision.clone())]);
        if let Some(origin) = &attempt.revision.origin {
            metadata.insert("originRevision".to_owned(), origin.clone());
        }
        let now = Time::new(self.now);
        let history = &mut self.status.history;
        history.upsert(digest, now, go(took), reason, metadata);
    }

    fn finalized(&mut self, finalized: &Finalized) -> Next {
        let revision = self.last_applied();
        match finalized {
            Finalized::Kept => {}
            Finalized::Deleted { wait_failed } => {
                if let Some(error) = wait_failed {
                    let message = "failed to wait for resources termination";
                    tracing::error!(error, "{message}");
                    self.warn(message.to_owned(), Some(&revision));
                }
            }
            Finalized::NobodyToDelete { objects } => {
                let message = format!("unable to prune objects: \n{}", objects.join("\n"));
                tracing::error!(
                    "skipping pruning, failed to find account to impersonate: {message}"
                );
                self.warn(message, Some(&revision));
            }
            Finalized::Failed { message } => {
                self.warn(
                    "pruning for deleted resource failed".to_owned(),
                    Some(&revision),
                );
                self.error = Some(message.clone());
                return Next::Retry;
            }
        }
        Next::Never
    }

    /// What is done at the end of every look.
    fn finish(&mut self, object: &Kustomization, took: Duration) {
        self.answer_request();
        if self.conditions().is_true(condition::READY) {
            self.remove(condition::RECONCILING);
            self.observe_generation();
        }
        if self.conditions().is_false(condition::READY) {
            self.retry();
        }
        if !object.spec.suspend && self.conditions().is_true(condition::READY) {
            self.finished(object, took);
        }
    }

    fn finished(&mut self, object: &Kustomization, took: Duration) {
        let message = format!(
            "Reconciliation finished in {}, next run in {}",
            go(took),
            object.spec.interval
        );
        tracing::info!(revision = self.status.last_attempted_revision, "{message}");
        let revision = self.last_applied();
        let mut told = event_of(
            Severity::Info,
            self.reason(Severity::Info),
            message,
            Some(&revision),
        );
        told.annotations.insert(
            format!("{KUSTOMIZE}/{}", event::COMMIT_STATUS),
            event::COMMIT_STATUS_UPDATE.to_owned(),
        );
        self.events.push(told);
    }
}

/// As Go prints durations.
fn go(duration: Duration) -> GoDuration {
    GoDuration::from_nanos(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}
