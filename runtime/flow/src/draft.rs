//! What the reports of all kinds have in common.

use crate::Finalizer;
use crate::Next;
use crate::Report;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use std::collections::BTreeMap;
use tidegate_api::Condition;
use tidegate_api::ConditionStatus;
use tidegate_api::Conditions;
use tidegate_api::CustomResource;
use tidegate_api::ReconcileStatus as _;
use tidegate_api::Time;
use tidegate_api::meta::FINALIZER;
use tidegate_api::meta::condition;
use tidegate_values::Event;
use tidegate_values::ObjectRef;
use tidegate_values::Severity;

/// A status in the making, and what is told with it. Which conditions there are and what they say is the kind's own.
pub struct Draft<'a, O: CustomResource> {
    pub object: &'a O,
    pub status: O::Status,
    /// In the order of their happening.
    pub events: Vec<Event>,
    /// What went wrong, for the log.
    pub error: Option<String>,
    pub now: Timestamp,
    finalizer: Option<Finalizer>,
}

impl<'a, O: CustomResource> Draft<'a, O> {
    /// Begins with the status that the object has.
    pub fn new(object: &'a O, now: Timestamp) -> Self {
        Self {
            object,
            status: object.status().clone(),
            events: Vec::new(),
            error: None,
            now,
            finalizer: None,
        }
    }

    /// The generation that is looked at.
    pub fn generation(&self) -> i64 {
        self.object.generation()
    }

    pub fn conditions(&self) -> &Conditions {
        self.status.conditions()
    }

    /// Sets a condition, as observed now.
    pub fn set(&mut self, type_: &str, status: ConditionStatus, reason: &str, message: &str) {
        self.put(Condition::new(type_, status, reason, message));
    }

    /// As [`Self::set`], with what makes up the condition.
    pub fn put(&mut self, condition: Condition) {
        let (generation, now) = (self.generation(), Time::new(self.now));
        self.status.conditions_mut().set(condition, generation, now);
    }

    /// Takes a condition out, if it is there.
    pub fn remove(&mut self, type_: &str) {
        self.status.conditions_mut().remove(type_);
    }

    /// If something is under way: says that it failed and is tried again.
    pub fn retry(&mut self) {
        if self.conditions().has(condition::RECONCILING) {
            let (generation, now) = (self.generation(), Time::new(self.now));
            self.status.conditions_mut().retry(generation, now);
        }
    }

    /// Notes that the status tells of the generation that is looked at.
    pub fn observe_generation(&mut self) {
        let generation = self.generation();
        self.status.set_observed_generation(generation);
    }

    /// Notes the request that this reconcile answers, if there is one.
    pub fn answer_request(&mut self) {
        if let Some(request) = self.object.reconcile_request() {
            self.status
                .set_last_handled_reconcile_at(Some(request.to_owned()));
        }
    }

    /// Adds an event. Annotations have their full names.
    pub fn push(
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

    /// Lets the object go: nothing is left to be cleaned up.
    pub fn release(&mut self) {
        self.finalizer = Some(Finalizer::Removed);
    }

    /// The end of it.
    pub fn report(self, next: Next) -> Report {
        Report {
            status: status_value(&self.status),
            finalizer: self.finalizer,
            events: self.events,
            next,
            error: self.error,
        }
    }
}

/// Whether the object waits for us when it is deleted.
pub fn has_finalizer(object: &impl CustomResource) -> bool {
    let mut names = object.meta().finalizers.iter().flatten();
    names.any(|name| name == FINALIZER)
}

/// Writes the finalizer and nothing else, then looks again: it has to be there before there is something to clean up.
pub fn add_finalizer(object: &impl CustomResource) -> Report {
    let mut draft = Draft::new(object, Timestamp::UNIX_EPOCH);
    draft.finalizer = Some(Finalizer::Added);
    draft.report(Next::Now)
}

/// A status as it is sent; an empty object when it can't be written.
pub fn status_value(status: &impl Serialize) -> Value {
    serde_json::to_value(status).unwrap_or_else(|_| Value::Object(Map::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tidegate_api::GitRepository;

    fn object() -> GitRepository {
        let metadata = json!({
            "name": "a", "generation": 3, "finalizers": ["other/one"],
            "annotations": {"reconcile.fluxcd.io/requestedAt": "now"},
        });
        serde_json::from_value(json!({"metadata": metadata, "status": {"observedGeneration": 2}}))
            .unwrap()
    }

    fn draft(object: &GitRepository) -> Draft<'_, GitRepository> {
        Draft::new(object, "2026-01-02T03:04:05Z".parse().unwrap())
    }

    #[test]
    fn the_finalizer_comes_alone_and_goes_alone() {
        let mut object = object();
        assert!(!has_finalizer(&object));
        let report = add_finalizer(&object);
        assert_eq!(report.next, Next::Now);
        assert_eq!(report.status, json!({"observedGeneration": 2}));
        assert_eq!(report.finalizer, Some(Finalizer::Added));
        let both = ["other/one", "finalizers.fluxcd.io"].map(str::to_owned);
        assert_eq!(Finalizer::Added.change(&both[..1]), both);
        assert_eq!(Finalizer::Added.change(&both), both, "it is there once");

        object.metadata.finalizers = Some(both.to_vec());
        assert!(has_finalizer(&object));
        let mut draft = draft(&object);
        draft.release();
        let report = draft.report(Next::Never);
        assert_eq!(report.finalizer, Some(Finalizer::Removed));
        assert_eq!(Finalizer::Removed.change(&both), both[..1]);
        assert_eq!(Finalizer::Removed.change(&both[1..]), Vec::<String>::new());
    }

    #[test]
    fn a_draft_tells_of_the_generation_and_the_request_that_are_looked_at() {
        let object = object();
        let mut draft = draft(&object);
        draft.retry();
        assert!(draft.conditions().is_empty(), "nothing is under way");
        let started = ConditionStatus::True;
        draft.set(condition::RECONCILING, started, "Progressing", "at it");
        draft.retry();
        draft.set("Gone", ConditionStatus::True, "X", "");
        draft.remove("Gone");
        draft.observe_generation();
        draft.answer_request();
        draft.error = Some("broken".to_owned());
        let report = draft.report(Next::Retry);
        assert_eq!(
            report.status,
            json!({
                "observedGeneration": 3, "lastHandledReconcileAt": "now",
                "conditions": [{
                    "type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry", "message": "at it",
                    "observedGeneration": 3, "lastTransitionTime": "2026-01-02T03:04:05Z",
                }],
            })
        );
        assert_eq!(report.error.as_deref(), Some("broken"));
        assert_eq!(report.finalizer, None);
    }
}
