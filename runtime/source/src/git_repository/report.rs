//! Every condition, reason, message and event of a GitRepository stands here.
//!
//! The order of steps is that of Flux (source-controller, `gitrepository_controller.go`,
//! `internal/reconcile/summarize`): an artifact that is there stays in the status whatever happens.

use super::Inputs;
use super::outcome::FailedPart;
use super::outcome::Failure;
use super::outcome::Fetched;
use super::outcome::Outcome;
use super::outcome::Reconciled;
use super::outcome::Severity;
use super::outcome::Stored;
use crate::draft::Draft;
use crate::draft::Source;
use jiff::Timestamp;
use tidegate_api::Artifact;
use tidegate_api::ConditionStatus;
use tidegate_api::GitRepository;
use tidegate_api::GitRepositoryStatus;
use tidegate_api::meta::condition;
use tidegate_api::meta::reason;
use tidegate_artifact::Malformed;
use tidegate_flow::Next;
use tidegate_flow::Report;
use tidegate_flow::add_finalizer;

/// The conditions that tell of a failure; a success after one of them is a recovery.
const FAILURES: &[&str] = &[
    condition::FETCH_FAILED,
    condition::INCLUDE_UNAVAILABLE,
    condition::STORAGE_OPERATION_FAILED,
];

/// The status while work is under way, for `progress`.
pub(super) fn progress(
    object: &GitRepository,
    stored: &Stored,
    now: Timestamp,
) -> GitRepositoryStatus {
    let mut draft = Draft::new(object, now);
    draft.begin();
    draft.storage(stored);
    draft.into_inner().status
}

pub(super) fn report(
    object: &GitRepository,
    inputs: &Inputs,
    outcome: &Outcome,
    now: Timestamp,
) -> Report {
    let mut draft = Draft::new(object, now);
    draft.answer_request();
    let interval = Next::Interval(object.spec.interval.to_std());
    let next = match outcome {
        Outcome::FinalizerMissing => return add_finalizer(object),
        Outcome::Suspended => {
            // Nothing was tried: what was under way still is.
            draft.retry();
            draft.remove(condition::STALLED);
            draft.observed();
            Next::Never
        }
        Outcome::Deleted(Ok(())) => {
            draft.release();
            // The object goes away with its finalizer: there is nobody to read a status.
            draft.status = object.status.clone();
            Next::Never
        }
        Outcome::Deleted(Err(cause)) => {
            let message = format!("garbage collection for deleted resource failed: {cause}");
            draft.warn(reason::GARBAGE_COLLECTION_FAILED, &message);
            draft.error = Some(message);
            Next::Retry
        }
        Outcome::NotServed { field } => {
            let message = format!(
                "{field} is not served by this version of Tidegate: remove the field, or wait for a version that serves it"
            );
            draft.begin();
            draft.set(
                condition::FETCH_FAILED,
                ConditionStatus::True,
                reason::FEATURE_GATE_DISABLED,
                &message,
            );
            draft.warn(reason::FEATURE_GATE_DISABLED, &message);
            draft.stall(reason::FEATURE_GATE_DISABLED, &message);
            draft.error = Some(message);
            Next::Never
        }
        Outcome::Reconciled(reconciled) => {
            let (next, failed) = draft.reconciled(reconciled, inputs, interval);
            draft.error = failed;
            next
        }
    };
    draft.into_inner().report(next)
}

impl Source for GitRepository {
    const SUMMARY: &[(&str, bool)] = &[
        (condition::STORAGE_OPERATION_FAILED, true),
        (condition::FETCH_FAILED, true),
        (condition::INCLUDE_UNAVAILABLE, true),
        (condition::ARTIFACT_OUTDATED, true),
        (condition::ARTIFACT_IN_STORAGE, false),
        (condition::SOURCE_VERIFIED, false),
        (condition::STALLED, true),
        (condition::RECONCILING, true),
    ];

    fn artifact(status: &GitRepositoryStatus) -> Option<&Artifact> {
        status.artifact.as_ref()
    }
}

impl Draft<'_, GitRepository> {
    fn storage(&mut self, stored: &Stored) {
        if let Stored::Tampered(message) | Stored::Unreadable(message) = stored {
            self.warn(
                reason::ARTIFACT_VERIFICATION_FAILED,
                &format!("failed to verify integrity of artifact: {message}"),
            );
        }
        let missing = match stored {
            Stored::Intact { url } => {
                // No event: the content is the same.
                if let Some(artifact) = &mut self.status.artifact {
                    artifact.url.clone_from(url);
                }
                return;
            }
            Stored::Unreadable(_) => return,
            Stored::None => "",
            Stored::Missing | Stored::Tampered(_) => ": disappeared from storage",
        };
        self.status.artifact = None;
        self.progressing(true, &format!("building artifact{missing}"));
        self.remove(condition::ARTIFACT_IN_STORAGE);
    }

    fn reconciled(
        &mut self,
        done: &Reconciled,
        inputs: &Inputs,
        interval: Next,
    ) -> (Next, Option<String>) {
        let before = self.object.status.clone();
        self.begin();
        self.storage(&done.stored);
        if done.collected > 0 {
            self.tell(
                reason::GARBAGE_COLLECTION_SUCCEEDED,
                &format!("garbage collected {} artifacts", done.collected),
            );
        }
        if self.conditions().is_false(condition::SOURCE_VERIFIED) {
            self.remove(condition::SOURCE_VERIFIED);
        }
        if self.object.spec.verify.is_none() {
            self.remove(condition::SOURCE_VERIFIED);
            self.status.source_verification_mode = None;
        }
        match &done.result {
            Ok(fetched) => {
                self.remove(condition::FETCH_FAILED);
                self.remove(condition::INCLUDE_UNAVAILABLE);
                self.fetched(fetched, &before);
                self.settle();
                (interval, None)
            }
            Err(failure) => self.failed(done, failure, inputs),
        }
    }

    fn fetched(&mut self, fetched: &Fetched, before: &GitRepositoryStatus) {
        match fetched {
            Fetched::Unchanged { revision } => {
                self.tell(
                    reason::GIT_OPERATION_SUCCEEDED,
                    &format!(
                        "no changes since last reconciliation: observed revision '{revision}'"
                    ),
                );
                self.in_storage(revision);
                // Nothing was fetched: the commit's subject is not known.
                self.told_recovery(before, revision);
            }
            Fetched::UpToDate { revision, commit } => {
                self.tell(
                    reason::ARTIFACT_UP_TO_DATE,
                    &format!("artifact up-to-date with remote revision: '{revision}'"),
                );
                self.in_storage(revision);
                self.told_recovery(before, commit);
            }
            Fetched::Stored {
                artifact,
                includes,
                commit,
                malformed,
            } => {
                self.ignored(malformed);
                let spec = &self.object.spec;
                self.status.observed_ignore.clone_from(&spec.ignore);
                self.status.observed_recurse_submodules = spec.recurse_submodules;
                self.status.observed_include.clone_from(&spec.include);
                self.status
                    .observed_sparse_checkout
                    .clone_from(&spec.sparse_checkout);
                self.status.included_artifacts.clone_from(includes);
                let known = before
                    .artifact
                    .as_ref()
                    .is_some_and(|known| known.digest == artifact.digest);
                self.status.artifact = Some(artifact.clone());
                self.in_storage(&artifact.revision);
                if known {
                    self.told_recovery(before, commit);
                } else {
                    self.notify(
                        reason::NEW_ARTIFACT,
                        &format!("stored artifact for commit '{commit}'"),
                    );
                }
            }
        }
    }

    /// Flux leaves patterns out in silence that it can't read. They do no harm that would stop a reconcile, but files
    /// that were to stay out are in.
    fn ignored(&mut self, malformed: &[Malformed]) {
        for found in malformed {
            let place = found.file.as_deref().unwrap_or("spec.ignore");
            self.warn(reason::SOURCE_IGNORE_ERROR, &format!("{place}: {found}"));
        }
    }

    /// A success after a failure is told, also when there is nothing new.
    fn told_recovery(&mut self, before: &GitRepositoryStatus, commit: &str) {
        if FAILURES.iter().any(|type_| before.conditions.has(type_)) {
            self.notify(
                reason::SUCCEEDED,
                &format!("stored artifact for commit '{commit}'"),
            );
        }
    }

    fn in_storage(&mut self, revision: &str) {
        self.remove(condition::ARTIFACT_OUTDATED);
        let message = format!("stored artifact for revision '{revision}'");
        self.set(
            condition::ARTIFACT_IN_STORAGE,
            ConditionStatus::True,
            reason::SUCCEEDED,
            &message,
        );
    }

    fn failed(
        &mut self,
        done: &Reconciled,
        failure: &Failure,
        inputs: &Inputs,
    ) -> (Next, Option<String>) {
        let artifact = self.status.artifact.as_ref();
        let had_artifact = artifact.is_some();
        // An archive that can't be read is fetched anew, whatever its revision.
        let new_revision = done
            .new_revision
            .as_ref()
            .filter(|revision| artifact.is_none_or(|artifact| artifact.revision != **revision));
        if done.includes_changed {
            let message = "included artifacts differ from last observed includes";
            self.progressing(true, &format!("building artifact: {message}"));
        }
        if let Some(revision) = new_revision {
            self.remove(condition::FETCH_FAILED);
            let message = format!("new upstream revision '{revision}'");
            if had_artifact {
                self.set(
                    condition::ARTIFACT_OUTDATED,
                    ConditionStatus::True,
                    reason::NEW_REVISION,
                    &message,
                );
            }
            self.progressing(true, &format!("building artifact: {message}"));
        }
        let type_ = match failure.part {
            FailedPart::Fetch => Some(condition::FETCH_FAILED),
            FailedPart::Include => Some(condition::INCLUDE_UNAVAILABLE),
            FailedPart::Storage => Some(condition::STORAGE_OPERATION_FAILED),
            FailedPart::Hidden => None,
        };
        if failure.part != FailedPart::Include {
            self.remove(condition::INCLUDE_UNAVAILABLE);
        }
        if let Some(type_) = type_ {
            self.set(
                type_,
                ConditionStatus::True,
                failure.reason,
                &failure.message,
            );
        }
        match failure.severity {
            Severity::Stalling => {
                self.warn(failure.reason, &failure.message);
                self.stall(failure.reason, &failure.message);
                (Next::Never, Some(failure.message.clone()))
            }
            Severity::Waiting => {
                self.tell(failure.reason, &failure.message);
                self.retrying();
                (Next::After(inputs.requeue_dependency), None)
            }
            Severity::Failing => {
                self.warn(failure.reason, &failure.message);
                self.retrying();
                (Next::Retry, Some(failure.message.clone()))
            }
        }
    }
}
