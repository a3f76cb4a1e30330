//! Plays a scenario.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::json;
use tidegate_testkit::{Error, GitServer, Reference, Repository};

use crate::engines::Missed;
use crate::fill::{repeated_documents, repeated_entry};
use crate::scenario::{Action, Commit, Content, Entry, Many, Scenario, Step, Who, documents};
use crate::world::{World, Worlds};

/// How often a scenario is begun anew when it missed the moment for a kill.
const ATTEMPTS: usize = 6;

/// Plays all steps; the error says which one failed, and all that was not as expected.
pub fn play(scenario: &Scenario, folder: &Path, worlds: &Worlds) -> anyhow::Result<()> {
    ensure!(
        !scenario.about.is_empty(),
        "`about` says what the case shows"
    );
    let name = folder
        .file_name()
        .context("a case has a name")?
        .to_string_lossy()
        .into_owned();
    ensure!(
        scenario.alone
            || (scenario.definitions.is_empty()
                && scenario.plugins.is_empty()
                && scenario.runs_as.is_none()),
        "`definitions`, `plugins` and `runs-as` are for cases that are `alone`"
    );
    let world = if scenario.alone {
        Arc::new(World::start(scenario, folder, &name)?)
    } else {
        worlds.shared(scenario, folder)?
    };
    for attempt in 1.. {
        let namespace = if attempt == 1 {
            name.clone()
        } else {
            format!("{name}-again-{attempt}")
        };
        let case = Case::new(&world, folder, scenario, &namespace)?;
        let played = scenario.steps.iter().try_for_each(|step| {
            case.play(step)
                .with_context(|| format!("step `{}`", step.name))
        });
        match played {
            Err(error) if attempt < ATTEMPTS && error.downcast_ref::<Missed>().is_some() => {
                world.start_engine(Who::Engine)?;
                case.leave();
            }
            played => {
                if !scenario.alone {
                    case.leave();
                }
                return played;
            }
        }
    }
    Ok(())
}

/// A scenario that is played.
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World,
    folder: &'a Path,
    /// The commits that were asked for since the last one was made, by `repository` or `repository@revision`.
    pub(crate) heads: RefCell<BTreeMap<String, String>>,
    /// The repositories that were committed to.
    pub(crate) committed: RefCell<BTreeSet<String>>,
    /// The case's namespace, and more of its own.
    pub(crate) spaces: Vec<String>,
    pub(crate) alone: bool,
}

impl<'a> Case<'a> {
    fn new(
        world: &'a World,
        folder: &'a Path,
        scenario: &Scenario,
        namespace: &str,
    ) -> anyhow::Result<Self> {
        let mut spaces = vec![namespace.to_owned()];
        spaces.extend(
            scenario
                .namespaces
                .iter()
                .map(|suffix| format!("{namespace}-{suffix}")),
        );
        for space in &spaces {
            world.cluster.create_namespace(space)?;
        }
        Ok(Case {
            world,
            folder,
            heads: RefCell::default(),
            committed: RefCell::default(),
            spaces,
            alone: scenario.alone,
        })
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.spaces[0]
    }

    fn play(&self, step: &Step) -> anyhow::Result<()> {
        let unchanged = self.names(&step.expect.unchanged)?;
        let before = self.versions(&unchanged)?;
        for action in &step.actions {
            self.act(action).with_context(|| format!("{action:?}"))?;
        }
        self.settle(&step.expect, &before)
    }

    fn act(&self, action: &Action) -> anyhow::Result<()> {
        match action {
            Action::Commit(commit) => self.commit(commit),
            Action::Tag {
                repo,
                name,
                message,
            } => {
                self.heads.borrow_mut().clear();
                Ok(self.repository(repo)?.tag(name, message.as_deref())?)
            }
            Action::Apply(text) => {
                for object in documents(self.fill(&repeated_documents(text)?)?.as_bytes())? {
                    self.world
                        .cluster
                        .apply(&object, self.namespace(), "case")?;
                }
                Ok(())
            }
            Action::Refused { apply, message } => self.refused(apply, message),
            Action::Patch { of, manager, with } => {
                let with = self.fill_value(with)?;
                for name in self.names(std::slice::from_ref(of))? {
                    let name = Reference::parse(&name)?;
                    self.world
                        .cluster
                        .merge(&name, self.namespace(), "", manager, &with)?;
                }
                Ok(())
            }
            Action::Touch { of, times, every } => {
                let name = Reference::parse(&self.fill(of)?)?;
                for time in 1..=*times {
                    let with = json!({"metadata": {"annotations": {"touched": time.to_string()}}});
                    self.world
                        .cluster
                        .merge(&name, self.namespace(), "", "toucher", &with)?;
                    std::thread::sleep(Duration::from_secs_f64(*every));
                }
                Ok(())
            }
            Action::Status { of, with } => {
                let status = json!({"status": self.fill_value(with)?});
                self.world.cluster.merge(
                    &Reference::parse(&self.fill(of)?)?,
                    self.namespace(),
                    "status",
                    "case",
                    &status,
                )?;
                Ok(())
            }
            Action::Delete(names) => self.each(names, |name| {
                Ok(self.world.cluster.delete(name, self.namespace())?)
            }),
            Action::Request(names) => self.each(names, |name| {
                self.world
                    .cluster
                    .request_reconcile(name, self.namespace())
                    .map(drop)
                    .map_err(Into::into)
            }),
            Action::Reconcile(names) => self.each(names, |name| self.reconcile(name)),
            Action::Sleep(seconds) => {
                std::thread::sleep(Duration::from_secs_f64(*seconds));
                Ok(())
            }
            Action::GitDown(name) => {
                self.git(name).set_repository_down(&self.served(name), true);
                Ok(())
            }
            Action::GitUp(name) => {
                self.git(name)
                    .set_repository_down(&self.served(name), false);
                Ok(())
            }
            Action::GitSlow(seconds) => {
                ensure!(self.alone, "`git-slow` is for cases that are `alone`");
                self.world.git.set_delay(Duration::from_secs_f64(*seconds));
                Ok(())
            }
            Action::ApiDown(is_down) => {
                let proxy = self.world.proxy.as_ref();
                proxy
                    .context("`api-down` is for cases that are `alone`")?
                    .set_down(*is_down);
                Ok(())
            }
            Action::ReceiverSilent(silent) => {
                self.world.receiver.set_silent(*silent);
                Ok(())
            }
            Action::Engine(action) => self.engine(Who::Engine, action),
            Action::Second(action) => self.engine(Who::Second, action),
        }
    }

    fn each(
        &self,
        names: &Many,
        mut work: impl FnMut(&Reference) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.names(names.names())?
            .iter()
            .try_for_each(|name| work(&Reference::parse(name)?))
    }

    pub(crate) fn repository(&self, name: &str) -> anyhow::Result<Repository> {
        Ok(self.git(name).repository(&self.served(name))?)
    }

    /// The server of a repository.
    fn git(&self, name: &str) -> &GitServer {
        if name.starts_with("private") {
            &self.world.private_git
        } else {
            &self.world.git
        }
    }

    /// Under which name the server has a repository of this case.
    fn served(&self, name: &str) -> String {
        format!("{}/{name}", self.namespace())
    }

    fn commit(&self, commit: &Commit) -> anyhow::Result<()> {
        let repository = self.git(&commit.repo);
        let repository =
            repository.repository_in(&self.served(&commit.repo), commit.format.name())?;
        self.committed.borrow_mut().insert(commit.repo.clone());
        if let Some(branch) = &commit.branch {
            repository.checkout(branch)?;
        }
        if let Some(from) = &commit.from {
            std::fs::remove_dir_all(repository.tree())?;
            self.copy(&self.folder.join(from), repository.tree())?;
        }
        for (path, content) in &commit.files {
            for (path, content) in repeated_entry(path, content)? {
                match content {
                    None => repository.remove(&path)?,
                    Some(Content::Text(text)) => repository.write(&path, self.fill(&text)?)?,
                    Some(Content::Other(Entry::Link(target))) => repository.link(&path, &target)?,
                    Some(Content::Other(Entry::Submodule(name))) => {
                        repository.submodule(&path, &self.repository(&name)?)?;
                    }
                }
            }
        }
        repository.commit(&commit.message)?;
        self.heads.borrow_mut().clear();
        Ok(())
    }

    fn refused(&self, text: &str, message: &str) -> anyhow::Result<()> {
        for object in documents(self.fill(text)?.as_bytes())? {
            match self.world.cluster.apply(&object, self.namespace(), "case") {
                Err(Error::Refused { message: got, .. }) if got.contains(message) => {}
                Err(Error::Refused { message: got, .. }) => bail!("refused, but with `{got}`"),
                Err(error) => return Err(error.into()),
                Ok(_) => bail!("the API server took it"),
            }
        }
        Ok(())
    }

    fn reconcile(&self, name: &Reference) -> anyhow::Result<()> {
        let at = self
            .world
            .cluster
            .request_reconcile(name, self.namespace())?;
        self.world
            .cluster
            .wait(name, self.namespace(), Duration::from_mins(1), |object| {
                (object?["status"]["lastHandledReconcileAt"] == at.as_str()).then_some(())
            })?;
        Ok(())
    }

    /// Takes the case's objects away, so that the engine has no more work with them.
    fn leave(&self) {
        for space in &self.spaces {
            for kind in ["Kustomization", "GitRepository"] {
                for object in self.world.cluster.list(kind, space).unwrap_or_default() {
                    if let Ok(name) = Reference::of(&object) {
                        let _ = self.world.cluster.delete(&name, space);
                    }
                }
            }
        }
    }
}
