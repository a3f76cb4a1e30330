//! The kind GitRepository: a reference of a Git remote, fetched and kept as an artifact.

mod act;
mod credentials;
mod outcome;
mod plan;
mod report;
mod resolve;
#[cfg(test)]
mod tests;

pub use outcome::Outcome;
pub use plan::Plan;
pub use resolve::Inputs;

use crate::Parts;
use jiff::Timestamp;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::GitRepository;
use tidegate_api::meta::component;
use tidegate_artifact::Store;
use tidegate_flow::Controller;
use tidegate_flow::Flow;
use tidegate_flow::Kind;
use tidegate_flow::Report;
use tidegate_flow::Run;
use tidegate_flow::status_value;
use tidegate_git::SshAlgorithms;
use tidegate_kube::Cluster;
use tidegate_kube::Watched;

/// What GitRepositories are reconciled with.
pub struct Reconciler {
    pub cluster: Arc<Cluster>,
    pub repositories: Arc<Watched<GitRepository>>,
    pub artifacts: Store,
    /// Where packs are kept while they are read.
    pub scratch: PathBuf,
    /// `--requeue-dependency`
    pub requeue_dependency: Duration,
    /// `--ssh-kex-algos` and `--ssh-hostkey-algos`
    pub ssh_algorithms: SshAlgorithms,
    /// `--insecure-allow-http`
    pub allow_http: bool,
}

/// Watches GitRepositories, and keeps them from being worked on until the controller runs.
pub(crate) fn start(parts: &Parts) -> Controller {
    let repositories = parts.watch();
    let (flow, pending) = Flow::new(Arc::clone(&repositories));
    let kind = Reconciler {
        cluster: Arc::clone(&parts.cluster),
        repositories,
        artifacts: parts.artifacts.clone(),
        scratch: parts.artifacts.path().to_owned(),
        requeue_dependency: parts.requeue_dependency,
        ssh_algorithms: parts.ssh_algorithms.clone(),
        allow_http: parts.allow_http,
    };
    Controller::new(flow, pending, Arc::new(kind))
}

impl Kind for Reconciler {
    type Object = GitRepository;
    type Inputs = Inputs;
    type Plan = Plan;
    type Outcome = Outcome;

    const CONTROLLER: &'static str = component::SOURCE_CONTROLLER;

    async fn resolve(&self, object: &Arc<GitRepository>, _: &Run<Self>) -> Inputs {
        self.resolve_inputs(object).await
    }

    fn plan(&self, object: &GitRepository, inputs: &Inputs, _: Timestamp) -> Result<Plan, Outcome> {
        plan::plan(object, inputs, &self.ssh_algorithms, self.allow_http)
    }

    async fn act(
        &self,
        object: &Arc<GitRepository>,
        inputs: &Inputs,
        plan: Plan,
        run: &Run<Self>,
    ) -> Outcome {
        match plan {
            Plan::Delete(name) => self.delete(name).await,
            Plan::Fetch(plan) => {
                run.progress(status_value(&report::progress(
                    object,
                    &inputs.stored,
                    run.clock.now(),
                )));
                self.fetch(*plan, inputs).await
            }
        }
    }

    fn report(
        &self,
        object: &GitRepository,
        inputs: &Inputs,
        outcome: &Outcome,
        now: Timestamp,
        _: Duration,
    ) -> Report {
        report::report(object, inputs, outcome, now)
    }

    fn status(object: &GitRepository) -> Value {
        status_value(&object.status)
    }
}
