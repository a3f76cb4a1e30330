use crate::ObjectRef;
use std::collections::BTreeMap;

/// How much an event matters. `Trace` events are logged and recorded, never posted to receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Trace,
    Info,
    Error,
}

/// Something that happened to an object and that people should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub object: ObjectRef,
    pub severity: Severity,
    pub reason: String,
    pub message: String,
    /// Annotations of the Event object, keys in full (`kustomize.toolkit.fluxcd.io/revision`).
    pub annotations: BTreeMap<String, String>,
}
