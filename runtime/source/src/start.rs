//! Sets the kinds of the group going.

use crate::git_repository;
use kube::runtime::watcher;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::CustomResource;
use tidegate_artifact::Store;
use tidegate_flow::Controller;
use tidegate_git::SshAlgorithms;
use tidegate_kube::Cluster;
use tidegate_kube::Scope;
use tidegate_kube::Watched;

/// What the binary hands in, for all kinds.
pub struct Parts {
    pub cluster: Arc<Cluster>,
    /// Where artifacts are kept, and packs while they are read.
    pub artifacts: Store,
    /// `--watch-all-namespaces`
    pub scope: Scope,
    /// `--watch-label-selector`
    pub selection: watcher::Config,
    /// `--requeue-dependency`
    pub requeue_dependency: Duration,
    /// `--ssh-kex-algos` and `--ssh-hostkey-algos`
    pub ssh_algorithms: SshAlgorithms,
    /// `--insecure-allow-http`
    pub allow_http: bool,
}

impl Parts {
    /// Begins to watch the objects of a kind that this process is to work on.
    pub(crate) fn watch<K: CustomResource>(&self) -> Arc<Watched<K>> {
        let api = self.scope.api(self.cluster.client());
        Watched::start(api, self.selection.clone())
    }
}

/// All kinds of the group: each is watched from now on, and worked on when its controller runs.
pub fn start(parts: &Parts) -> Vec<Controller> {
    vec![git_repository::start(parts)]
}
