//! Plays a scenario.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use regex::Regex;
use serde_json::{Value, json};
use tidegate_testkit::{Error, Reference, Repository};

use crate::matching::differences;
use crate::scenario::{Action, Commit, Engine, Expect, Many, Scenario, Step, documents};
use crate::world::{World, Worlds};

const WITHIN: f64 = 60.0;

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
    let world = if scenario.alone {
        Arc::new(World::start(&scenario.engine)?)
    } else {
        worlds.shared(&scenario.engine)?
    };
    let mut spaces = vec![name.clone()];
    spaces.extend(
        scenario
            .namespaces
            .iter()
            .map(|suffix| format!("{name}-{suffix}")),
    );
    for space in &spaces {
        world.cluster.create_namespace(space)?;
    }
    let case = Case {
        world: &world,
        folder,
        spaces,
        alone: scenario.alone,
    };
    let played = scenario.steps.iter().try_for_each(|step| {
        case.play(step)
            .with_context(|| format!("step `{}`", step.name))
    });
    if !scenario.alone {
        case.leave();
    }
    played
}

struct Case<'a> {
    world: &'a World,
    folder: &'a Path,
    /// The case's namespace, and more of its own.
    spaces: Vec<String>,
    alone: bool,
}

impl Case<'_> {
    fn namespace(&self) -> &str {
        &self.spaces[0]
    }

    fn play(&self, step: &Step) -> anyhow::Result<()> {
        let before = self.versions(&step.expect.unchanged)?;
        for action in &step.actions {
            self.act(action).with_context(|| format!("{action:?}"))?;
        }
        self.settle(&step.expect, &before)
    }

    fn act(&self, action: &Action) -> anyhow::Result<()> {
        match action {
            Action::Commit(commit) => self.commit(commit),
            Action::Tag { repo, name } => Ok(self.repository(repo)?.tag(name, None)?),
            Action::Apply(text) => {
                for object in documents(self.fill(text)?.as_bytes())? {
                    self.world
                        .cluster
                        .apply(&object, self.namespace(), "case")?;
                }
                Ok(())
            }
            Action::Refused { apply, message } => self.refused(apply, message),
            Action::Patch { of, manager, with } => {
                let with = self.fill_value(with)?;
                self.world.cluster.merge(
                    &Reference::parse(of)?,
                    self.namespace(),
                    "",
                    manager,
                    &with,
                )?;
                Ok(())
            }
            Action::Status { of, with } => {
                let status = json!({"status": self.fill_value(with)?});
                self.world.cluster.merge(
                    &Reference::parse(of)?,
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
            Action::GitDown(down) => {
                ensure!(self.alone, "`git-down` is for cases that are `alone`");
                self.world.git.set_down(*down);
                Ok(())
            }
            Action::Engine(action) => self.engine(action),
        }
    }

    fn each(
        &self,
        names: &Many,
        mut work: impl FnMut(&Reference) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        names
            .names()
            .iter()
            .try_for_each(|name| work(&Reference::parse(&self.fill(name)?)?))
    }

    fn engine(&self, action: &Engine) -> anyhow::Result<()> {
        ensure!(
            self.alone,
            "only a case that is `alone` may touch its engine"
        );
        let mut engine = self
            .world
            .engine
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match action {
            Engine::Kill => engine.process().kill().map(drop)?,
            Engine::Stop => engine
                .process()
                .terminate(Duration::from_secs(30))
                .map(drop)?,
            Engine::Start => engine.restart()?,
            Engine::LoseStorage => std::fs::remove_dir_all(engine.folder().join("data"))?,
        }
        Ok(())
    }

    fn repository(&self, name: &str) -> anyhow::Result<Repository> {
        Ok(self
            .world
            .git
            .repository(&format!("{}/{name}", self.namespace()))?)
    }

    fn commit(&self, commit: &Commit) -> anyhow::Result<()> {
        let repository = self.repository(&commit.repo)?;
        if let Some(branch) = &commit.branch {
            repository.checkout(branch)?;
        }
        if let Some(from) = &commit.from {
            std::fs::remove_dir_all(repository.tree())?;
            copy(&self.folder.join(from), repository.tree(), &|text| {
                self.fill(text)
            })?;
        }
        for (path, content) in &commit.files {
            match content {
                Some(content) => repository.write(path, self.fill(content)?)?,
                None => repository.remove(path)?,
            }
        }
        repository.commit(&commit.message)?;
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

    /// Waits until everything is as expected, and for as long as it must stay so.
    fn settle(&self, expect: &Expect, before: &[(String, Value)]) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs_f64(expect.within.unwrap_or(WITHIN));
        loop {
            let found = self.unmet(expect)?;
            if found.is_empty() {
                break;
            }
            ensure!(Instant::now() < deadline, "{}", self.told(&found));
            std::thread::sleep(Duration::from_millis(50));
        }
        let end = Instant::now() + Duration::from_secs_f64(expect.hold);
        while Instant::now() < end {
            let found = self.unmet(expect)?;
            ensure!(
                found.is_empty(),
                "it did not stay so\n{}",
                self.told(&found)
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        let names: Vec<String> = before.iter().map(|(name, _)| name.clone()).collect();
        for ((name, old), (_, new)) in before.iter().zip(self.versions(&names)?) {
            ensure!(
                *old == new,
                "{name} was written: resource version {old} before the step, {new} after it"
            );
        }
        Ok(())
    }

    fn unmet(&self, expect: &Expect) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        for (name, pattern) in &expect.objects {
            let pattern = self.fill_value(pattern)?;
            let object = self
                .world
                .cluster
                .get(&Reference::parse(&self.fill(name)?)?, self.namespace())?;
            match (pattern.as_str(), object) {
                (Some("gone"), None) => {}
                (Some("gone"), Some(_)) => found.push(format!("{name}: is there")),
                (_, None) => found.push(format!("{name}: is not there")),
                (_, Some(object)) => {
                    found.extend(
                        differences(&pattern, &object)
                            .into_iter()
                            .map(|text| format!("{name}{text}")),
                    );
                }
            }
        }
        let events = if expect.events.is_empty() && expect.no_events.is_empty() {
            Vec::new()
        } else {
            self.events()?
        };
        for pattern in &expect.events {
            let pattern = self.fill_value(pattern)?;
            if !events
                .iter()
                .any(|event| differences(&pattern, event).is_empty())
            {
                let mut text = format!("no event {pattern}; there are");
                for event in &events {
                    let _ = write!(text, "\n      {event}");
                }
                found.push(text);
            }
        }
        for pattern in &expect.no_events {
            let pattern = self.fill_value(pattern)?;
            found.extend(
                events
                    .iter()
                    .filter(|event| differences(&pattern, event).is_empty())
                    .map(|event| format!("an event {event}")),
            );
        }
        if !expect.nowhere.is_empty() {
            found.extend(self.leaks(&expect.nowhere)?);
        }
        Ok(found)
    }

    fn leaks(&self, texts: &[String]) -> anyhow::Result<Vec<String>> {
        let mut places = vec![("the engine's log".to_owned(), self.log())];
        for space in &self.spaces {
            for kind in ["GitRepository", "Kustomization"] {
                for object in self.world.cluster.list(kind, space)? {
                    places.push((
                        format!("{kind}/{}", object["metadata"]["name"]),
                        object["status"].to_string(),
                    ));
                }
            }
        }
        places.extend(
            self.events()?
                .into_iter()
                .map(|event| ("an event".to_owned(), event.to_string())),
        );
        Ok(texts
            .iter()
            .flat_map(|text| {
                places
                    .iter()
                    .filter(move |(_, content)| content.contains(text.as_str()))
                    .map(move |(place, _)| format!("`{text}` stands in {place}"))
            })
            .collect())
    }

    /// The events of the case in the form that patterns are written in.
    fn events(&self) -> anyhow::Result<Vec<Value>> {
        let mut events = Vec::new();
        for space in &self.spaces {
            for event in self.world.cluster.list("Event", space)? {
                let on = &event["involvedObject"];
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                events.push(json!({
                    "on": format!("{}/{}", text(&on["kind"]), text(&on["name"])),
                    "type": event["type"],
                    "reason": event["reason"],
                    "message": event["message"],
                    "from": event["source"]["component"],
                    "annotations": event["metadata"]["annotations"],
                    "count": event["count"],
                }));
            }
        }
        Ok(events)
    }

    fn versions(&self, names: &[String]) -> anyhow::Result<Vec<(String, Value)>> {
        let version = |name: &String| {
            let object = self
                .world
                .cluster
                .get(&Reference::parse(name)?, self.namespace())?;
            let object = object.ok_or_else(|| anyhow!("{name} is not there"))?;
            Ok((name.clone(), object["metadata"]["resourceVersion"].clone()))
        };
        names.iter().map(version).collect()
    }

    fn log(&self) -> String {
        self.world
            .engine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .process()
            .log()
    }

    /// What was not as expected, with what the engine wrote about this case.
    fn told(&self, found: &[String]) -> String {
        let log = self.log();
        let about: Vec<&str> = log
            .lines()
            .filter(|line| self.alone || line.contains(self.namespace()))
            .collect();
        let about = about[about.len().saturating_sub(15)..].join("\n    ");
        format!(
            "not as expected:\n  {}\n  the engine's log:\n    {about}",
            found.join("\n  ")
        )
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

    /// Fills in `%NS%`, `%URL:repository%` and `%HEAD:repository%`.
    fn fill(&self, text: &str) -> anyhow::Result<String> {
        let mut out = String::new();
        let mut rest = text;
        let words = Regex::new(r"%(NS|URL:[\w-]+|HEAD:[\w-]+)%")?;
        while let Some(word) = words.find(rest) {
            out.push_str(&rest[..word.start()]);
            match word.as_str().trim_matches('%').split_once(':') {
                None => out.push_str(self.namespace()),
                Some(("URL", name)) => out.push_str(self.repository(name)?.url()),
                Some((_, name)) => out.push_str(&self.repository(name)?.head()?),
            }
            rest = &rest[word.end()..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn fill_value(&self, value: &Value) -> anyhow::Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(entries) => entries
                .iter()
                .map(|entry| self.fill_value(entry))
                .collect::<anyhow::Result<_>>()?,
            Value::Object(fields) => {
                let filled: anyhow::Result<Vec<(String, Value)>> = fields
                    .iter()
                    .map(|(key, value)| Ok((self.fill(key)?, self.fill_value(value)?)))
                    .collect();
                Value::Object(filled?.into_iter().collect())
            }
            other => other.clone(),
        })
    }
}

fn copy(
    from: &Path,
    to: &Path,
    fill: &dyn Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, fill)?;
        } else {
            let content = std::fs::read(entry.path())?;
            match std::str::from_utf8(&content) {
                Ok(text) => std::fs::write(&target, fill(text)?)?,
                Err(_) => std::fs::write(&target, content)?,
            }
        }
    }
    Ok(())
}
