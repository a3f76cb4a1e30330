use crate::Next;
use crate::Run;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::meta::FINALIZER;
use tidegate_values::Event;

/// One kind of custom resource and what is done for its objects.
///
/// `plan` and `report` are pure: they take the time as an argument and touch nothing.
pub trait Kind: Send + Sync + 'static {
    type Object: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + Serialize
        + fmt::Debug
        + Send
        + Sync
        + 'static;
    /// What references led to.
    type Inputs: Send + Sync;
    /// What is to be done.
    type Plan: Send + Sync;
    /// What was done, also when it ended in a failure; or why nothing was.
    type Outcome: Send + Sync;

    /// Flux's name of the controller: the source of events.
    const CONTROLLER: &'static str;

    /// Follows references. Reads the cluster, decides nothing else.
    fn resolve(
        &self,
        object: &Arc<Self::Object>,
        run: &Run<Self>,
    ) -> impl Future<Output = Self::Inputs> + Send
    where
        Self: Sized;

    /// Decides everything that can be decided without the world; an `Err` holds the object back.
    fn plan(
        &self,
        object: &Self::Object,
        inputs: &Self::Inputs,
        now: Timestamp,
    ) -> Result<Self::Plan, Self::Outcome>;

    /// Calls capabilities in order. Never edits the object.
    fn act(
        &self,
        object: &Arc<Self::Object>,
        inputs: &Self::Inputs,
        plan: Self::Plan,
        run: &Run<Self>,
    ) -> impl Future<Output = Self::Outcome> + Send
    where
        Self: Sized;

    /// Turns what happened into the new status, events and the next time.
    fn report(
        &self,
        object: &Self::Object,
        inputs: &Self::Inputs,
        outcome: &Self::Outcome,
        now: Timestamp,
        took: Duration,
    ) -> Report;

    /// The object's status as JSON; an empty object when it has none.
    fn status(object: &Self::Object) -> Value;
}

/// What becomes of our finalizer. Those of others stay, or are gone, as they are by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finalizer {
    Added,
    Removed,
}

impl Finalizer {
    /// The finalizers of an object that has those of `now`.
    pub(crate) fn change(self, now: &[String]) -> Vec<String> {
        let is_ours = |name: &String| name == FINALIZER;
        let mut finalizers = now.to_vec();
        match self {
            Self::Removed => finalizers.retain(|name| !is_ours(name)),
            Self::Added if now.iter().any(is_ours) => {}
            Self::Added => finalizers.push(FINALIZER.to_owned()),
        }
        finalizers
    }
}

/// What is written after a reconcile.
#[derive(Debug)]
pub struct Report {
    /// The whole new status.
    pub status: Value,
    /// Where our finalizer is to change.
    pub finalizer: Option<Finalizer>,
    /// In the order of their happening; `object` is filled in by the loop.
    pub events: Vec<Event>,
    pub next: Next,
    /// What went wrong, for the log.
    pub error: Option<String>,
}
