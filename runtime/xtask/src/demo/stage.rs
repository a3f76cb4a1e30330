//! What the demo plays on: a cluster, the controller, a Git server with the example repository.

mod foreign;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
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
    /// Installs and builds what is missing, and starts everything on loopback. In a cluster of the person's own nothing
    /// is touched that was there before.
    pub(super) fn set_up(workspace: &Workspace) -> anyhow::Result<Stage> {
        let own = std::env::var_os("KUBECONFIG")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from);
        if let Some(path) = &own {
            step::begin(&format!(
                "using the cluster of KUBECONFIG={}",
                path.display()
            ));
            // Before the builds: they take minutes.
            foreign::check_free(&Cluster::connect(path)?)?;
        }
        let ready = setup::run(workspace)?;
        let program = setup::tidegate(workspace, &ready, "dev")?;
        let folder = TempDir::with_prefix("tidegate-demo-")?;
        let is_foreign = own.is_some();
        let (kubeconfig, plane) = if let Some(path) = own {
            (path, None)
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
        step::begin("starting the Git server (smart HTTP)");
        let git = GitServer::start_in(folder.path().join("git"))?;
        let repository = git.repository("demo")?;
        copy(
            &workspace.root.join("examples/demo/repository"),
            repository.tree(),
        )?;
        let commit = repository.commit("The example")?;
        step::note(&format!("{} at {}", repository.url(), &commit[..12]));
        step::timed("installing the definitions of the Flux kinds", || {
            foreign::install_missing_definitions(&cluster)
        })?;
        foreign::create_namespace(&cluster)?;
        step::begin(&format!(
            "starting tidegate for the namespace {NAMESPACE} alone"
        ));
        let work = folder.path().join("tidegate");
        let mut environment: Vec<(OsString, OsString)> = ready
            .environment()
            .map(|(name, value)| (name.into(), value))
            .to_vec();
        environment.push(("RUNTIME_NAMESPACE".into(), NAMESPACE.into()));
        let started = std::fs::create_dir_all(&work)
            .with_context(|| work.display().to_string())
            .and_then(|()| {
                let args = [
                    "--controllers=source-controller,kustomize-controller",
                    "--watch-all-namespaces=false",
                    "--enable-leader-election=false",
                ];
                Ok(Tidegate::launch(Launch {
                    binary: program,
                    kubeconfig: kubeconfig.clone(),
                    folder: work.clone(),
                    args: args.map(str::to_owned).to_vec(),
                    environment,
                })?)
            });
        let tidegate = match started {
            Ok(tidegate) => tidegate,
            Err(error) => {
                foreign::delete_namespace(&cluster)?;
                return Err(error);
            }
        };
        Ok(Stage {
            tidegate,
            cluster,
            repository,
            kubeconfig,
            is_foreign,
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
        step::note(if self.is_foreign {
            "Enter ends it and takes the demo out of the cluster; Ctrl-C leaves it there"
        } else {
            "Enter or Ctrl-C ends it"
        });
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).context("stdin")? == 0 {
            // No terminal: stay until the controller or this command is ended.
            while self.tidegate.process().exited().is_none() {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        Ok(())
    }

    /// Takes the demo out of a cluster that is not the demo's own: the Kustomizations take with them what they brought.
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
        foreign::delete_namespace(&self.cluster)?;
        foreign::wait_until_free(&self.cluster)?;
        step::note("the definitions of the Flux kinds stay: others may have begun to use them");
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
