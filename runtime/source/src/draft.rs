//! The status of a source in the making: conditions as source-controller sets and sums them up, and the events that go
//! with it. Each kind of the group adds what is its own.

use crate::summary::summarize;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::ops::DerefMut;
use tidegate_api::Artifact;
use tidegate_api::ConditionStatus;
use tidegate_api::CustomResource;
use tidegate_api::ReconcileStatus as _;
use tidegate_api::meta::condition;
use tidegate_api::meta::event;
use tidegate_api::meta::group::SOURCE;
use tidegate_api::meta::reason;
use tidegate_values::Severity;

/// A kind of the group, as its reports have to know it.
pub(crate) trait Source: CustomResource {
    /// What Ready sums up, most telling first, and whether it is bad when true.
    const SUMMARY: &[(&str, bool)];

    /// What is stored.
    fn artifact(status: &Self::Status) -> Option<&Artifact>;
}

/// A status in the making.
pub(crate) struct Draft<'a, O: Source>(tidegate_flow::Draft<'a, O>);

impl<'a, O: Source> Deref for Draft<'a, O> {
    type Target = tidegate_flow::Draft<'a, O>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<O: Source> DerefMut for Draft<'_, O> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'a, O: Source> Draft<'a, O> {
    pub(crate) fn new(object: &'a O, now: Timestamp) -> Self {
        Self(tidegate_flow::Draft::new(object, now))
    }

    pub(crate) fn into_inner(self) -> tidegate_flow::Draft<'a, O> {
        self.0
    }

    /// fluxcd/pkg, `runtime/reconcile/result.go`, `ProgressiveStatus`.
    pub(crate) fn progressing(&mut self, drift: bool, message: &str) {
        self.set(
            condition::RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING,
            message,
        );
        let ready = self.conditions().status(condition::READY);
        if drift || matches!(ready, None | Some(ConditionStatus::Unknown)) {
            self.set(
                condition::READY,
                ConditionStatus::Unknown,
                reason::PROGRESSING,
                message,
            );
        }
        self.remove(condition::STALLED);
    }

    pub(crate) fn begin(&mut self) {
        self.progressing(false, "reconciliation in progress");
        let (seen, generation) = (self.status.observed_generation(), self.generation());
        if seen != generation {
            self.progressing(
                false,
                &format!("processing object: new generation {seen} -> {generation}"),
            );
        }
        self.remove(condition::STORAGE_OPERATION_FAILED);
    }

    /// This generation was handled: nothing is under way any more.
    pub(crate) fn settle(&mut self) {
        self.remove(condition::RECONCILING);
        self.remove(condition::STALLED);
        self.observed();
    }

    pub(crate) fn stall(&mut self, reason: &str, message: &str) {
        self.retry();
        self.set(condition::STALLED, ConditionStatus::True, reason, message);
        self.remove(condition::RECONCILING);
        self.observed();
    }

    pub(crate) fn retrying(&mut self) {
        self.retry();
        self.remove(condition::STALLED);
        self.sum_up();
    }

    pub(crate) fn observed(&mut self) {
        if !self.conditions().is_empty() {
            self.observe_generation();
        }
        self.sum_up();
    }

    fn sum_up(&mut self) {
        if let Some(ready) = summarize(self.conditions(), condition::READY, O::SUMMARY) {
            self.put(ready);
        }
    }

    /// An event that goes no further than the cluster.
    pub(crate) fn tell(&mut self, reason: &str, message: &str) {
        self.push(Severity::Trace, reason, message, BTreeMap::new());
    }

    pub(crate) fn warn(&mut self, reason: &str, message: &str) {
        self.push(Severity::Error, reason, message, BTreeMap::new());
    }

    /// An event about the artifact.
    pub(crate) fn notify(&mut self, reason: &str, message: &str) {
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
        let annotations = O::artifact(&self.status).map(about).unwrap_or_default();
        self.push(Severity::Info, reason, message, annotations);
    }
}
