//! Control planes, engines and Git servers, shared by the cases that want the same engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_sandbox::PLUGINS_DIR;
use tidegate_testkit::account::kubeconfig_of;
use tidegate_testkit::cluster::install_definitions;
use tidegate_testkit::git_server::Access;
use tidegate_testkit::{Cluster, ControlPlane, EventReceiver, GitServer, Proxy, Tidegate};

use crate::plugins;
use crate::scenario::{RunsAs, Scenario, Who, documents};

/// Arguments of every engine.
const ENGINE: &[&str] = &[
    "--controllers=source-controller,kustomize-controller",
    "--concurrent=8",
    "--requeue-dependency=5s",
    "--feature-gates=ExternalArtifact=true",
];

/// Where engines run that are not told otherwise.
const HOME: &str = "flux-system";

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
    /// The engines' way to the API server, where a case cuts it.
    pub(crate) proxy: Option<Proxy>,
    /// What the engines reach the cluster with.
    kubeconfig: PathBuf,
    /// The namespace that they run in.
    home: String,
    _kubeconfigs: TempDir,
    /// Where their built-in plugins are, if elsewhere.
    plugins: Option<TempDir>,
    _plane: ControlPlane,
}

/// The worlds of one run, each started by the first case that needs it.
#[derive(Default)]
pub struct Worlds {
    shared: Mutex<BTreeMap<Vec<String>, Arc<World>>>,
}

impl World {
    /// A world of the engine that the `scenario` in `folder` wants, for its `namespace` alone or for all of those that want the same.
    pub(crate) fn start(
        scenario: &Scenario,
        folder: &Path,
        namespace: &str,
    ) -> anyhow::Result<World> {
        let plane = ControlPlane::start()?;
        let cluster = Cluster::connect(&plane.kubeconfig())?;
        let definitions: Vec<Value> = tidegate_api::all_definitions(&tidegate_api::Labels::new())
            .into_iter()
            .map(|(_, definition)| definition)
            .filter(|definition| {
                let kind = &definition["spec"]["names"]["kind"];
                let named = &scenario.definitions;
                named.is_empty() || named.iter().any(|name| *kind == **name)
            })
            .collect();
        install_definitions(&cluster, &definitions).context("the definitions of the Flux kinds")?;
        let home = match &scenario.runs_as {
            Some(_) => namespace,
            None => HOME,
        };
        let kubeconfigs = TempDir::with_prefix("tidegate-kubeconfigs-")?;
        let mut kubeconfig = match &scenario.runs_as {
            Some(runs_as) => account(&plane, &cluster, home, runs_as, kubeconfigs.path())?,
            None => plane.kubeconfig(),
        };
        let mut proxy = None;
        if scenario.alone && scenario.takes_the_api_away() {
            let started = Proxy::start(&kubeconfig)?;
            kubeconfig = started.kubeconfig(&kubeconfig, kubeconfigs.path())?;
            proxy = Some(started);
        }
        let plugins = if scenario.plugins.is_empty() {
            None
        } else {
            Some(plugins::folder(folder, &scenario.plugins)?)
        };
        cluster.create_namespace(HOME)?;
        let receiver = EventReceiver::start()?;
        let arguments = ENGINE
            .iter()
            .map(|argument| (*argument).to_owned())
            .chain(scenario.engine.iter().cloned())
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
            proxy,
            kubeconfig,
            home: home.to_owned(),
            _kubeconfigs: kubeconfigs,
            plugins,
            _plane: plane,
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
        let mut environment = vec![("RUNTIME_NAMESPACE", self.home.as_str())];
        if let Some(folder) = &self.plugins {
            let path = folder.path().to_str().context("a path that is no text")?;
            environment.push((PLUGINS_DIR, path));
        }
        *engine = Some(Tidegate::start_with(
            &self.kubeconfig,
            &arguments,
            &environment,
        )?);
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

/// Makes the account that an engine runs as, and in `folder` the kubeconfig that speaks as it.
fn account(
    plane: &ControlPlane,
    cluster: &Cluster,
    home: &str,
    runs_as: &RunsAs,
    folder: &Path,
) -> anyhow::Result<PathBuf> {
    cluster.create_namespace(home)?;
    for object in documents(runs_as.rights.replace("%NS%", home).as_bytes())? {
        cluster.apply(&object, home, "case")?;
    }
    let account = (home, runs_as.account.as_str());
    Ok(kubeconfig_of(
        cluster,
        &plane.kubeconfig(),
        account,
        folder,
    )?)
}

impl Worlds {
    /// The world of a scenario that shares it with others that want an engine with the same arguments.
    pub(crate) fn shared(&self, scenario: &Scenario, folder: &Path) -> anyhow::Result<Arc<World>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = shared.get(&scenario.engine) {
            return Ok(Arc::clone(world));
        }
        let world = Arc::new(World::start(scenario, folder, HOME)?);
        shared.insert(scenario.engine.clone(), Arc::clone(&world));
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
