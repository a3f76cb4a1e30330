//! A status in the making: conditions as fluxcd/pkg sets and sums them up, and the events that go with it.

use crate::summary::summarize;
use jiff::Timestamp;
use std::collections::BTreeMap;
use tidegate_api::Artifact;
use tidegate_api::Condition;
use tidegate_api::ConditionStatus;
use tidegate_api::GitRepository;
use tidegate_api::GitRepositoryStatus;
use tidegate_api::Time;
use tidegate_api::meta::condition;
use tidegate_api::meta::event;
use tidegate_api::meta::group::SOURCE;
use tidegate_api::meta::reason;
use tidegate_values::Event;
use tidegate_values::ObjectRef;
use tidegate_values::Severity;

/// What Ready sums up, most telling first, and whether it is bad when true.
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

/// A status in the making.
pub(super) struct Draft<'a> {
    pub(super) object: &'a GitRepository,
    pub(super) status: GitRepositoryStatus,
    pub(super) events: Vec<Event>,
    pub(super) now: Timestamp,
}

impl<'a> Draft<'a> {
    pub(super) fn new(object: &'a GitRepository, now: Timestamp) -> Self {
        Self {
            object,
            status: object.status.clone(),
            events: Vec::new(),
            now,
        }
    }

    pub(super) fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or_default()
    }

    pub(super) fn set(
        &mut self,
        type_: &str,
        status: ConditionStatus,
        reason: &str,
        message: &str,
    ) {
        let generation = self.generation();
        self.status.conditions.set(
            Condition::new(type_, status, reason, message),
            generation,
            Time::new(self.now),
        );
    }

    /// fluxcd/pkg, `runtime/reconcile/result.go`, `ProgressiveStatus`.
    pub(super) fn progressing(&mut self, drift: bool, message: &str) {
        self.set(
            condition::RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING,
            message,
        );
        let ready = self.status.conditions.status(condition::READY);
        if drift || matches!(ready, None | Some(ConditionStatus::Unknown)) {
            self.set(
                condition::READY,
                ConditionStatus::Unknown,
                reason::PROGRESSING,
                message,
            );
        }
        self.status.conditions.remove(condition::STALLED);
    }

    pub(super) fn begin(&mut self) {
        self.progressing(false, "reconciliation in progress");
        let (seen, generation) = (self.status.observed_generation, self.generation());
        if seen != generation {
            self.progressing(
                false,
                &format!("processing object: new generation {seen} -> {generation}"),
            );
        }
        self.status
            .conditions
            .remove(condition::STORAGE_OPERATION_FAILED);
    }

    /// This generation was handled: nothing is under way any more.
    pub(super) fn settle(&mut self) {
        self.status.conditions.remove(condition::RECONCILING);
        self.status.conditions.remove(condition::STALLED);
        self.observed();
    }

    pub(super) fn stall(&mut self, reason: &str, message: &str) {
        self.with_retry();
        self.set(condition::STALLED, ConditionStatus::True, reason, message);
        self.status.conditions.remove(condition::RECONCILING);
        self.observed();
    }

    pub(super) fn retrying(&mut self) {
        self.with_retry();
        self.status.conditions.remove(condition::STALLED);
        self.sum_up();
    }

    pub(super) fn with_retry(&mut self) {
        if self.status.conditions.is_true(condition::RECONCILING) {
            let generation = self.generation();
            self.status
                .conditions
                .retry(generation, Time::new(self.now));
        }
    }

    pub(super) fn observed(&mut self) {
        if !self.status.conditions.is_empty() {
            self.status.observed_generation = self.generation();
        }
        self.sum_up();
    }

    pub(super) fn sum_up(&mut self) {
        if let Some(ready) = summarize(&self.status.conditions, condition::READY, SUMMARY) {
            let generation = self.generation();
            self.status
                .conditions
                .set(ready, generation, Time::new(self.now));
        }
    }

    /// An event that goes no further than the cluster.
    pub(super) fn tell(&mut self, reason: &str, message: &str) {
        self.push(Severity::Trace, reason, message, BTreeMap::new());
    }

    pub(super) fn warn(&mut self, reason: &str, message: &str) {
        self.push(Severity::Error, reason, message, BTreeMap::new());
    }

    /// An event about the artifact.
    pub(super) fn notify(&mut self, reason: &str, message: &str) {
        let about = |artifact: &Artifact| {
            BTreeMap::from([
                (
                    format!("{SOURCE}/{}", event::REVISION),
                    artifact.revision.clone(),
                ),
                (
                    format!("{SOURCE}/{}", event::DIGEST),
                    artifact.digest.clone(),
                ),
            ])
        };
        let annotations = self.status.artifact.as_ref().map(about).unwrap_or_default();
        self.push(Severity::Info, reason, message, annotations);
    }

    pub(super) fn push(
        &mut self,
        severity: Severity,
        reason: &str,
        message: &str,
        annotations: BTreeMap<String, String>,
    ) {
        self.events.push(Event {
            object: ObjectRef::default(),
            severity,
            reason: reason.to_owned(),
            message: message.to_owned(),
            annotations,
        });
    }
}
