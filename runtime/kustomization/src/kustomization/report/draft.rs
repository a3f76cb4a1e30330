//! A status in the making, and how conditions and events are put into it.

use super::super::outcome::Revision;
use super::events::event_of;
use jiff::Timestamp;
use tidegate_api::Condition;
use tidegate_api::ConditionStatus;
use tidegate_api::Kustomization;
use tidegate_api::KustomizationStatus;
use tidegate_api::Time;
use tidegate_api::meta::condition;
use tidegate_values::Event;
use tidegate_values::Severity;

/// A status in the making.
pub(super) struct Draft<'a> {
    pub(super) object: &'a Kustomization,
    pub(super) status: KustomizationStatus,
    pub(super) events: Vec<Event>,
    pub(super) error: Option<String>,
    pub(super) now: Timestamp,
}

impl<'a> Draft<'a> {
    pub(super) fn new(object: &'a Kustomization, now: Timestamp) -> Self {
        Self {
            object,
            status: object.status.clone(),
            events: Vec::new(),
            error: None,
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

    pub(super) fn not_ready(&mut self, reason: &str, message: &str) {
        self.set(condition::READY, ConditionStatus::False, reason, message);
    }

    pub(super) fn stalled(&mut self, reason: &str, message: &str) {
        self.not_ready(reason, message);
        self.set(condition::STALLED, ConditionStatus::True, reason, message);
        self.status.conditions.remove(condition::RECONCILING);
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
        self.events
            .push(event_of(Severity::Error, reason, message, revision));
    }

    pub(super) fn tell(&mut self, message: String, revision: Option<&Revision>) {
        let reason = self.reason(Severity::Info);
        self.events
            .push(event_of(Severity::Info, reason, message, revision));
    }

    /// Events have the reason that Ready has at the time.
    pub(super) fn reason(&self, severity: Severity) -> &str {
        match self.status.conditions.reason(condition::READY) {
            "" if severity == Severity::Error => "error",
            "" => "info",
            reason => reason,
        }
    }
}
