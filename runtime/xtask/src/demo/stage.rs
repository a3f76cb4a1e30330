//! What the demo plays on: a cluster, the controller, a Git server with the example repository.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_testkit::cluster::install_definitions;
use tidegate_testkit::{Cluster, ControlPlane, GitServer, Launch, Reference, Repository, Tidegate};

use super::{LIMIT, NAMESPACE, WORKLOADS};
use crate::workspace::Workspace;
use crate::{setup, step};

/// Everything that runs while the demo plays. Dropping it ends all of it.
pub(super) struct Stage {
    // The controller goes first, the cluster last.
    tidegate: Tidegate,
    pub(super) cluster: Cluster,
    pub(super) repository: Repository,
    kubeconfig: PathBuf,
    /// Whether the cluster is the person's own.
    is_foreign: bool,
    _git: GitServer,
    _plane: Option<ControlPlane>,
    _folder: TempDir,
}

impl Stage {
    /// Installs and builds what is missing, and starts everything on loopback.
    pub(super) fn set_up(workspace: &Workspace) -> anyhow::Result<Stage> {
        let ready = setup::run(workspace)?;
        let program = setup::tidegate(workspace, &ready, "dev")?;
        let folder = TempDir::with_prefix("tidegate-demo-")?;
        let own = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
        let (kubeconfig, plane) = if let Some(path) = &own {
            step::begin(&format!(
                "using the cluster of KUBECONFIG={}",
                Path::new(path).display()
            ));
            (PathBuf::from(path), None)
        } else {
            let plane = step::timed("starting the control plane", || {
                Ok(ControlPlane::start_in(
                    &ready.controlplane,
                    folder.path().join("plane"),
                )?)
            })?;
            (plane.kubeconfig(), Some(plane))
        };
        let cluster = Cluster::connect(&kubeconfig)?;
        step::timed("installing the definitions of the Flux kinds", || {
            let definitions: Vec<Value> =
                tidegate_api::all_definitions(&tidegate_api::Labels::new())
                    .into_iter()
                    .map(|(_, definition)| definition)
                    .collect();
            install_definitions(&cluster, &definitions)?;
            cluster.create_namespace("flux-system")?;
            Ok(cluster.create_namespace(NAMESPACE)?)
        })?;
        step::begin("starting the Git server (smart HTTP)");
        let git = GitServer::start_in(folder.path().join("git"))?;
        let repository = git.repository("demo")?;
        copy(
            &workspace.root.join("examples/demo/repository"),
            repository.tree(),
        )?;
        let commit = repository.commit("The example")?;
        step::note(&format!("{} at {}", repository.url(), &commit[..12]));
        step::begin("starting tidegate");
        let work = folder.path().join("tidegate");
        std::fs::create_dir_all(&work)?;
        let tidegate = Tidegate::launch(Launch {
            binary: program,
            kubeconfig: kubeconfig.clone(),
            folder: work,
            args: vec!["--controllers=source-controller,kustomize-controller".to_owned()],
            environment: ready
                .environment()
                .map(|(name, value)| (name.into(), value))
                .to_vec(),
        })?;
        Ok(Stage {
            tidegate,
            cluster,
            repository,
            kubeconfig,
            is_foreign: own.is_some(),
            _git: git,
            _plane: plane,
            _folder: folder,
        })
    }

    pub(super) fn apply(&self, object: &Value) -> anyhow::Result<()> {
        self.cluster.apply(object, NAMESPACE, "demo")?;
        Ok(())
    }

    /// One of the demo's own objects.
    pub(super) fn get(&self, name: &str) -> anyhow::Result<Option<Value>> {
        Ok(self.cluster.get(&Reference::parse(name)?, NAMESPACE)?)
    }

    /// One of the objects that the repository brings.
    pub(super) fn workload(&self, name: &str) -> anyhow::Result<Option<Value>> {
        Ok(self.cluster.get(&Reference::parse(name)?, WORKLOADS)?)
    }

    /// Waits until an object of the repository's is gone.
    pub(super) fn gone(&self, name: &str) -> anyhow::Result<()> {
        let is_gone = |object: Option<&Value>| object.is_none().then_some(());
        self.cluster
            .wait(&Reference::parse(name)?, WORKLOADS, LIMIT, is_gone)?;
        step::note(&format!("{name}: pruned"));
        Ok(())
    }

    pub(super) fn delete(&self, name: &str) -> anyhow::Result<()> {
        Ok(self.cluster.delete(&Reference::parse(name)?, NAMESPACE)?)
    }

    /// Asks for a reconcile now.
    pub(super) fn request(&self, name: &str) -> anyhow::Result<()> {
        self.cluster
            .request_reconcile(&Reference::parse(name)?, NAMESPACE)?;
        Ok(())
    }

    /// Says how to look around, and waits for the end of stdin or for a line on it.
    pub(super) fn hold(&mut self) -> anyhow::Result<()> {
        step::begin("everything stays up: look around");
        for line in [
            format!("export KUBECONFIG={}", self.kubeconfig.display()),
            format!("kubectl -n {NAMESPACE} get gitrepositories,kustomizations"),
            format!("kubectl -n {NAMESPACE} describe kustomization apps"),
            format!("kubectl -n {WORKLOADS} get all"),
            format!("kubectl -n {WORKLOADS} delete deployment frontend   # and see it come back"),
            format!(
                "cd {}   # the work tree; a commit:",
                self.repository.tree().display()
            ),
            format!(
                "git --git-dir={} --work-tree=. commit -am change",
                self.repository.git_dir().display()
            ),
            format!(
                "tail -f {}",
                self.tidegate.folder().join("tidegate.log").display()
            ),
        ] {
            step::result(&format!("    {line}"));
        }
        step::note("Enter or Ctrl-C ends it");
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).context("stdin")? == 0 {
            // No terminal: stay until the controller or this command is ended.
            while self.tidegate.process().exited().is_none() {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        Ok(())
    }

    /// Takes the demo out of a cluster that is not the demo's own.
    pub(super) fn clean_up(&self) -> anyhow::Result<()> {
        if !self.is_foreign {
            return Ok(());
        }
        step::begin("taking the demo out of the cluster");
        for name in [
            "Kustomization/apps",
            "Kustomization/infrastructure",
            "GitRepository/demo",
        ] {
            self.delete(name)?;
            self.cluster
                .wait(&Reference::parse(name)?, NAMESPACE, LIMIT, |object| {
                    object.is_none().then_some(())
                })?;
        }
        self.cluster
            .delete(&Reference::parse(&format!("Namespace/{NAMESPACE}"))?, "")?;
        step::note("the definitions of the Flux kinds stay");
        Ok(())
    }

    /// The end of the controller's log.
    pub(super) fn log_tail(&mut self) -> String {
        let log = self.tidegate.process().log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).with_context(|| target.display().to_string())?;
        }
    }
    Ok(())
}
