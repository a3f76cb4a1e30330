//! The status of a Kustomization in the making, and how what is told of it comes about.

use super::super::outcome::Revision;
use super::events::event_of;
use jiff::Timestamp;
use std::ops::Deref;
use std::ops::DerefMut;
use tidegate_api::ConditionStatus;
use tidegate_api::Kustomization;
use tidegate_api::meta::condition;
use tidegate_values::Severity;

/// A status in the making.
pub(super) struct Draft<'a>(tidegate_flow::Draft<'a, Kustomization>);

impl<'a> Deref for Draft<'a> {
    type Target = tidegate_flow::Draft<'a, Kustomization>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Draft<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(object: &'a Kustomization, now: Timestamp) -> Self {
        Self(tidegate_flow::Draft::new(object, now))
    }

    pub(super) fn into_inner(self) -> tidegate_flow::Draft<'a, Kustomization> {
        self.0
    }

    pub(super) fn not_ready(&mut self, reason: &str, message: &str) {
        self.set(condition::READY, ConditionStatus::False, reason, message);
    }

    pub(super) fn stalled(&mut self, reason: &str, message: &str) {
        self.not_ready(reason, message);
        self.set(condition::STALLED, ConditionStatus::True, reason, message);
        self.remove(condition::RECONCILING);
    }

    pub(super) fn last_applied(&self) -> Revision {
        Revision {
            revision: self
                .status
                .last_applied_revision
                .clone()
                .unwrap_or_default(),
            origin: self.status.last_applied_origin_revision.clone(),
        }
    }

    pub(super) fn fail(&mut self, message: String, revision: Option<&Revision>) {
        self.error = Some(message.clone());
        self.warn(message, revision);
    }

    pub(super) fn warn(&mut self, message: String, revision: Option<&Revision>) {
        let reason = self.reason(Severity::Error);
        let event = event_of(Severity::Error, reason, message, revision);
        self.events.push(event);
    }

    pub(super) fn tell(&mut self, message: String, revision: Option<&Revision>) {
        let reason = self.reason(Severity::Info);
        let event = event_of(Severity::Info, reason, message, revision);
        self.events.push(event);
    }

    /// Events have the reason that Ready has at the time.
    pub(super) fn reason(&self, severity: Severity) -> &str {
        match self.conditions().reason(condition::READY) {
            "" if severity == Severity::Error => "error",
            "" => "info",
            reason => reason,
        }
    }
}
