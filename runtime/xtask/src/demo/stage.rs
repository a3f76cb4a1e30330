//! What the demo plays on: a cluster, the controller, a Git server with the example repository.

mod foreign;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_testkit::{Cluster, ControlPlane, GitServer, Launch, Reference, Repository, Tidegate};

use super::interrupt::Interrupt;
use super::{LIMIT, NAMESPACE, WORKLOADS};
use crate::workspace::Workspace;
use crate::{setup, step};

/// Everything that runs while the demo plays. Dropping it ends all of it.
pub(super) struct Stage {
    // The controller goes first, the cluster last.
    tidegate: Tidegate,
    pub(super) cluster: Cluster,
    pub(super) repository: Repository,
    pub(super) interrupt: Interrupt,
    kubeconfig: PathBuf,
    /// Whether the cluster is the person's own.
    is_foreign: bool,
    _git: GitServer,
    _plane: Option<ControlPlane>,
    folder: TempDir,
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
        // Until here nothing is left behind when a signal ends all of it.
        let interrupt = Interrupt::watch()?;
        let folder = TempDir::with_prefix("tidegate-demo-")?;
        let is_foreign = own.is_some();
        interrupt.leaves(left(folder.path(), is_foreign));
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
        interrupt.check()?;
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
            interrupt,
            kubeconfig,
            is_foreign,
            _git: git,
            _plane: plane,
            folder,
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

    /// Waits for what `is_done` says of an object, or until the demo is asked to end.
    pub(super) fn wait(
        &self,
        reference: &Reference,
        namespace: &str,
        is_done: impl Fn(Option<&Value>) -> bool,
    ) -> anyhow::Result<()> {
        self.cluster.wait(reference, namespace, LIMIT, |object| {
            (self.interrupt.is_asked() || is_done(object)).then_some(())
        })?;
        Ok(self.interrupt.check()?)
    }

    /// Waits until an object of the repository's is gone.
    pub(super) fn gone(&self, name: &str) -> anyhow::Result<()> {
        self.wait(&Reference::parse(name)?, WORKLOADS, |object| {
            object.is_none()
        })?;
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

    /// Says how to look around, and waits for a line on stdin, for a signal, or for the end of the controller.
    pub(super) fn hold(&mut self) -> anyhow::Result<()> {
        step::begin("everything stays up: look around");
        for line in [
            format!("export KUBECONFIG={}", self.kubeconfig.display()),
            format!("kubectl -n {NAMESPACE} get gitrepositories,kustomizations"),
            format!("kubectl -n {NAMESPACE} describe kustomization apps"),
            format!("kubectl -n {WORKLOADS} get all"),
            format!("kubectl -n {WORKLOADS} delete deployment frontend   # and see it come back"),
            format!(
                "cd {}   # the work tree; change something, and then:",
                self.repository.tree().display()
            ),
            format!(
                "git -c user.name=demo -c user.email=demo@example.test --git-dir={} --work-tree=. commit -am change",
                self.repository.git_dir().display()
            ),
            format!(
                "kubectl -n {NAMESPACE} annotate --overwrite gitrepository/demo reconcile.fluxcd.io/requestedAt=\"$(date)\"   # fetch it now, not when the interval of ten minutes is over"
            ),
            format!(
                "tail -f {}",
                self.tidegate.folder().join("tidegate.log").display()
            ),
        ] {
            step::result(&format!("    {line}"));
        }
        step::note(if self.is_foreign {
            "Enter or Ctrl-C ends it and takes the demo out of the cluster"
        } else {
            "Enter or Ctrl-C ends it"
        });
        let (line, is_entered) = std::sync::mpsc::channel();
        // It may wait for its line for ever: the end of the process ends it.
        std::thread::spawn(move || {
            if std::io::stdin()
                .read_line(&mut String::new())
                .is_ok_and(|length| length > 0)
            {
                let _ = line.send(());
            } else {
                // No terminal: nobody will press Enter.
                std::thread::park();
            }
        });
        loop {
            if self.interrupt.is_asked()
                || is_entered.recv_timeout(Duration::from_millis(200)).is_ok()
            {
                return Ok(());
            }
            if let Some(status) = self.tidegate.process().exited() {
                anyhow::bail!("the controller ended ({status})");
            }
        }
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

    /// What stays when the demo ends without cleaning up, and how to remove it.
    pub(super) fn left(&self) -> String {
        left(self.folder.path(), self.is_foreign)
    }

    /// The end of the controller's log.
    pub(super) fn log_tail(&mut self) -> String {
        let log = self.tidegate.process().log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

fn left(folder: &Path, is_foreign: bool) -> String {
    let folder = folder.display();
    if !is_foreign {
        return format!("left behind: {folder}; to remove it:\n        rm -r {folder}");
    }
    format!(
        "left behind, as far as they were made: the namespaces {NAMESPACE} and {WORKLOADS}, and {folder}; to remove them:\n\
         {}\n        rm -r {folder}",
        foreign::removal()
    )
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
