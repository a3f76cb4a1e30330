//! Sets the kind going: what it watches and what triggers it.

use crate::DriftRepair;
use crate::Reconciler;
use crate::Settings;
use crate::build::WITHOUT_WORKER;
use crate::kustomization::Plugins;
use crate::memory::Memories;
use crate::triggers;
use kube::runtime::watcher;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_api::SourceKind;
use tidegate_api::SourceObject;
use tidegate_api::meta::label;
use tidegate_apply::Mapper;
use tidegate_artifact::Store;
use tidegate_flow::Announcer;
use tidegate_flow::Controller;
use tidegate_flow::Flow;
use tidegate_kube::Cluster;
use tidegate_kube::Moves;
use tidegate_kube::OwnerLabels;
use tidegate_kube::Scope;
use tidegate_kube::Watched;
use tidegate_values::RemoteSource;
use tokio::sync::Semaphore;

/// What the binary hands in.
pub struct Parts {
    pub cluster: Arc<Cluster>,
    pub announcer: Announcer,
    pub artifacts: Store,
    pub remote: Arc<dyn RemoteSource>,
    /// Where Kustomizations are watched, and what they refer to (`--watch-all-namespaces`).
    pub scope: Scope,
    /// `--watch-label-selector`
    pub selection: watcher::Config,
    /// `--watch-configs-label-selector`
    pub configs_selector: String,
}

/// Joins the parts, and starts to listen to Kustomizations and what triggers them. They are worked on when the
/// controller runs.
pub fn start(parts: Parts, plugins: Plugins, settings: Settings) -> Controller {
    let client = parts.cluster.client();
    let kustomizations = Watched::start(parts.scope.api(client.clone()), parts.selection);
    let (flow, pending) = Flow::new(Arc::clone(&kustomizations));
    let sources: BTreeMap<SourceKind, Arc<Watched<SourceObject>>> = SourceKind::ALL
        .into_iter()
        .map(|kind| {
            let api = parts.scope.api_with(client.clone(), &kind.resource());
            (kind, Watched::start(api, watcher::Config::default()))
        })
        .collect();
    let labels = OwnerLabels {
        name: label::KUSTOMIZATION_NAME,
        namespace: label::KUSTOMIZATION_NAMESPACE,
    };
    let (memories, written) = Memories::new();
    let reconciler = Arc::new(Reconciler {
        plugins,
        mapper: Mapper::new(client.clone()),
        moves: Moves::new(client.clone(), labels, parts.scope.clone()),
        cluster: parts.cluster,
        kustomizations,
        artifacts: parts.artifacts,
        remote: parts.remote,
        without_worker: Semaphore::new(WITHOUT_WORKER),
        scope: parts.scope,
        unwatched: Mutex::default(),
        announcer: parts.announcer,
        memories,
        repairs: Mutex::default(),
        sources,
        settings,
    });
    for (kind, watched) in &reconciler.sources {
        let kustomizations = Arc::clone(&reconciler.kustomizations);
        tokio::spawn(triggers::follow_source(
            *kind,
            kustomizations,
            flow.clone(),
            // From here on nothing is missed: what was there before is found by the first look at each object.
            watched.subscribe(),
        ));
    }
    tokio::spawn(triggers::follow_dependencies(
        Arc::clone(&reconciler),
        flow.clone(),
        reconciler.kustomizations.subscribe(),
    ));
    if reconciler.settings.watch_configs {
        triggers::follow_configs(
            &client,
            &reconciler.scope,
            &parts.configs_selector,
            &reconciler.kustomizations,
            &flow,
        );
    }
    if reconciler.settings.drift_repair == DriftRepair::Watch {
        tokio::spawn(triggers::follow_moves(
            Arc::clone(&reconciler),
            written,
            flow.clone(),
        ));
    }
    Controller::new(flow, pending, reconciler)
}
