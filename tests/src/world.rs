//! Control planes, engines and Git servers, shared by the cases that want the same engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use serde_json::Value;
use tidegate_testkit::cluster::install_definitions;
use tidegate_testkit::{Cluster, ControlPlane, GitServer, Tidegate};

/// Arguments of every engine.
const ENGINE: &[&str] = &[
    "--controllers=source-controller,kustomize-controller",
    "--concurrent=8",
    "--requeue-dependency=5s",
    "--feature-gates=ExternalArtifact=true",
];

/// One control plane with one engine, and a Git server.
pub(crate) struct World {
    // The engine goes first, the plane last.
    pub(crate) engine: Mutex<Tidegate>,
    pub(crate) cluster: Cluster,
    pub(crate) git: GitServer,
    _plane: ControlPlane,
}

/// The worlds of one run, each started by the first case that needs it.
#[derive(Default)]
pub struct Worlds {
    shared: Mutex<BTreeMap<Vec<String>, Arc<World>>>,
}

impl World {
    pub(crate) fn start(more: &[String]) -> anyhow::Result<World> {
        let plane = ControlPlane::start()?;
        let cluster = Cluster::connect(&plane.kubeconfig())?;
        let definitions: Vec<Value> = tidegate_api::all_definitions(&tidegate_api::Labels::new())
            .into_iter()
            .map(|(_, definition)| definition)
            .collect();
        install_definitions(&cluster, &definitions).context("the definitions of the Flux kinds")?;
        cluster.create_namespace("flux-system")?;
        let args: Vec<&str> = ENGINE
            .iter()
            .copied()
            .chain(more.iter().map(String::as_str))
            .collect();
        let engine = Tidegate::start(&plane.kubeconfig(), &args)?;
        Ok(World {
            engine: Mutex::new(engine),
            cluster,
            git: GitServer::start()?,
            _plane: plane,
        })
    }
}

impl Worlds {
    /// The world of an engine with these arguments besides the usual ones.
    pub(crate) fn shared(&self, engine: &[String]) -> anyhow::Result<Arc<World>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = shared.get(engine) {
            return Ok(Arc::clone(world));
        }
        let world = Arc::new(World::start(engine)?);
        shared.insert(engine.to_vec(), Arc::clone(&world));
        Ok(world)
    }

    /// Ends all of them.
    pub fn end(&self) {
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
