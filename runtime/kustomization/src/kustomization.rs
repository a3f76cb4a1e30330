//! The kind Kustomization: manifests of a source, built and applied.

mod act;
pub(crate) use act::blocking;
mod applying;
mod dependencies;
mod finalize;
mod health;
mod moved;
pub(crate) mod outcome;
pub(crate) mod plan;
mod report;
mod resolve;
#[cfg(test)]
mod tests;

pub use outcome::Outcome;
pub use plan::Plan;
pub use resolve::Inputs;

use crate::Settings;
use crate::memory::Memories;
use crate::repairs::Repairs;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::Kustomization;
use tidegate_api::SourceKind;
use tidegate_api::SourceObject;
use tidegate_api::meta::component;
use tidegate_apply::Mapper;
use tidegate_artifact::Store;
use tidegate_flow::Announcer;
use tidegate_flow::Kind;
use tidegate_flow::Report;
use tidegate_flow::Run;
use tidegate_flow::status_value;
use tidegate_kube::Cluster;
use tidegate_kube::Moves;
use tidegate_kube::Scope;
use tidegate_kube::Watched;
use tidegate_sandbox::PluginPre;
use tidegate_sandbox::Sandbox;
use tidegate_values::DriftCheck;
use tidegate_values::RemoteSource;
use tokio::sync::Semaphore;

/// What Kustomizations are reconciled with.
pub struct Reconciler {
    pub settings: Settings,
    pub cluster: Arc<Cluster>,
    pub kustomizations: Arc<Watched<Kustomization>>,
    pub sources: BTreeMap<SourceKind, Arc<Watched<SourceObject>>>,
    pub artifacts: Store,
    pub plugins: Plugins,
    pub remote: Arc<dyn RemoteSource>,
    /// For reconciles that wait for it without a worker.
    pub(crate) without_worker: Semaphore,
    pub mapper: Arc<Mapper>,
    pub moves: Arc<Moves>,
    pub announcer: Announcer,
    pub(crate) memories: Memories,
    pub(crate) repairs: Mutex<Repairs>,
    /// Where Kustomizations are watched, and what they refer to.
    pub(crate) scope: Scope,
    /// What was used of other namespaces and is not watched, to be told once.
    pub(crate) unwatched: Mutex<BTreeSet<(SourceKind, String)>>,
}

/// The components that turn sources into manifests, and the one that judges what became of them.
#[derive(Clone)]
pub struct Plugins {
    pub kustomize: Arc<PluginPre>,
    pub substitute: Arc<PluginPre>,
    pub drift: Arc<dyn DriftCheck>,
}

impl Plugins {
    /// Takes the built-in plugins from `sandbox`, which makes them ready.
    ///
    /// # Errors
    /// One of them is missing, damaged, or made for another engine.
    pub fn load(sandbox: &Sandbox) -> Result<Self, tidegate_sandbox::Error> {
        Ok(Self {
            kustomize: sandbox.builtin("kustomize")?,
            substitute: sandbox.builtin("substitute")?,
            drift: sandbox.builtin("drift")?,
        })
    }
}

impl Kind for Reconciler {
    type Object = Kustomization;
    type Inputs = Inputs;
    type Plan = Plan;
    type Outcome = Outcome;

    const CONTROLLER: &'static str = component::KUSTOMIZE_CONTROLLER;

    async fn resolve(&self, object: &Arc<Kustomization>, _: &Run<Self>) -> Inputs {
        self.resolve_inputs(object).await
    }

    fn plan(&self, object: &Kustomization, inputs: &Inputs, _: Timestamp) -> Result<Plan, Outcome> {
        plan::plan(object, inputs, &self.settings)
    }

    async fn act(
        &self,
        object: &Arc<Kustomization>,
        _: &Inputs,
        plan: Plan,
        run: &Run<Self>,
    ) -> Outcome {
        match plan {
            Plan::Finalize(plan) => Outcome::Finalized(self.finalize(object, plan, run).await),
            Plan::Apply(plan) => self.attempt(object, *plan, run).await,
        }
    }

    fn report(
        &self,
        object: &Kustomization,
        inputs: &Inputs,
        outcome: &Outcome,
        now: Timestamp,
        took: Duration,
    ) -> Report {
        report::report(object, inputs, outcome, now, took)
    }

    fn status(object: &Kustomization) -> Value {
        status_value(&object.status)
    }
}
