//! Control planes, engines and Git servers, shared by the cases that want the same engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::Value;
use tidegate_testkit::cluster::install_definitions;
use tidegate_testkit::git_server::Access;
use tidegate_testkit::{Cluster, ControlPlane, EventReceiver, GitServer, Tidegate};

use crate::scenario::Who;

/// Arguments of every engine.
const ENGINE: &[&str] = &[
    "--controllers=source-controller,kustomize-controller",
    "--concurrent=8",
    "--requeue-dependency=5s",
    "--feature-gates=ExternalArtifact=true",
];

/// Who may read private repositories.
const READER: (&str, &str) = ("reader", "private-word");

/// One control plane with one engine, or two, a Git server and a receiver of events.
pub(crate) struct World {
    // The engines go first, the plane last.
    engine: Mutex<Option<Tidegate>>,
    second: Mutex<Option<Tidegate>>,
    arguments: Vec<String>,
    pub(crate) cluster: Cluster,
    pub(crate) git: GitServer,
    /// Serves to the reader alone.
    pub(crate) private_git: GitServer,
    pub(crate) receiver: EventReceiver,
    plane: ControlPlane,
}

/// The worlds of one run, each started by the first case that needs it.
#[derive(Default)]
pub struct Worlds {
    shared: Mutex<BTreeMap<Vec<String>, Arc<World>>>,
}

impl World {
    /// `definitions`: the kinds that are installed; all when none is named.
    pub(crate) fn start(more: &[String], definitions: &[String]) -> anyhow::Result<World> {
        let plane = ControlPlane::start()?;
        let cluster = Cluster::connect(&plane.kubeconfig())?;
        let definitions: Vec<Value> = tidegate_api::all_definitions(&tidegate_api::Labels::new())
            .into_iter()
            .map(|(_, definition)| definition)
            .filter(|definition| {
                let kind = &definition["spec"]["names"]["kind"];
                definitions.is_empty() || definitions.iter().any(|name| *kind == **name)
            })
            .collect();
        install_definitions(&cluster, &definitions).context("the definitions of the Flux kinds")?;
        cluster.create_namespace("flux-system")?;
        let receiver = EventReceiver::start()?;
        let arguments = ENGINE
            .iter()
            .map(|argument| (*argument).to_owned())
            .chain(more.iter().cloned())
            .map(|argument| argument.replace("%EVENTS%", &receiver.url()))
            .collect();
        let world = World {
            engine: Mutex::default(),
            second: Mutex::default(),
            arguments,
            cluster,
            git: GitServer::start()?,
            private_git: GitServer::start_with(&Access::Basic {
                username: READER.0.to_owned(),
                password: READER.1.to_owned(),
            })?,
            receiver,
            plane,
        };
        world.start_engine(Who::Engine)?;
        Ok(world)
    }

    /// Starts an engine: anew, or as it was before it ended.
    pub(crate) fn start_engine(&self, who: Who) -> anyhow::Result<()> {
        let mut engine = self.slot(who);
        if let Some(engine) = engine.as_mut() {
            anyhow::ensure!(!engine.is_running(), "it runs already");
            return Ok(engine.restart()?);
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        *engine = Some(Tidegate::start(&self.plane.kubeconfig(), &arguments)?);
        Ok(())
    }

    /// Does something with an engine that was started, running or not.
    pub(crate) fn with_engine<T>(
        &self,
        who: Who,
        work: impl FnOnce(&mut Tidegate) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut engine = self.slot(who);
        work(engine.as_mut().context("it was never started")?)
    }

    /// What the engines wrote, the first one's before the second one's.
    pub(crate) fn log(&self) -> String {
        let log = |who| {
            let mut engine = self.slot(who);
            engine.as_mut().map(|engine| engine.process().log())
        };
        [Who::Engine, Who::Second]
            .into_iter()
            .filter_map(log)
            .collect()
    }

    fn slot(&self, who: Who) -> MutexGuard<'_, Option<Tidegate>> {
        let slot = match who {
            Who::Engine => &self.engine,
            Who::Second => &self.second,
        };
        slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worlds {
    /// The world of an engine with these arguments besides the usual ones.
    pub(crate) fn shared(&self, engine: &[String]) -> anyhow::Result<Arc<World>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = shared.get(engine) {
            return Ok(Arc::clone(world));
        }
        let world = Arc::new(World::start(engine, &[])?);
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
