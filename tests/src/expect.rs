//! Whether everything is as a step expects it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use serde_json::{Value, json};
use tidegate_testkit::Reference;
use tidegate_testkit::tidegate::http_get;

use crate::fill::repeated_entry;
use crate::matching::differences;
use crate::metrics::sum;
use crate::play::Case;
use crate::scenario::{Expect, Metric, Port, Who};

const WITHIN: f64 = 60.0;
/// From here on, objects of one kind are listed and not read one by one.
const MANY: usize = 8;
/// How much of what is not as expected is told.
const SHOWN: usize = 20;
const SHOWN_CHARACTERS: usize = 2000;

impl Case<'_> {
    /// Waits until everything is as expected, and for as long as it must stay so.
    pub(crate) fn settle(&self, expect: &Expect, before: &[(String, Value)]) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs_f64(expect.within.unwrap_or(WITHIN));
        loop {
            let found = self.unmet(expect)?;
            if found.is_empty() {
                break;
            }
            ensure!(Instant::now() < deadline, "{}", self.told(&found));
            std::thread::sleep(Duration::from_millis(50));
        }
        let reached = self.metrics(&expect.metrics)?;
        let end = Instant::now() + Duration::from_secs_f64(expect.hold);
        while Instant::now() < end {
            let found = self.unmet(expect)?;
            ensure!(
                found.is_empty(),
                "it did not stay so\n{}",
                self.told(&found)
            );
            std::thread::sleep(Duration::from_millis(500));
        }
        let held = self.metrics(&expect.metrics)?;
        for ((metric, before), after) in expect.metrics.iter().zip(reached).zip(held) {
            let grown = after - before;
            let told = format!("{} {:?} grew by {grown}", metric.name, metric.labels);
            ensure!(
                metric.held_growth.is_none_or(|most| grown <= most),
                "{}",
                self.told(&[told])
            );
        }
        let names: Vec<String> = before.iter().map(|(name, _)| name.clone()).collect();
        for ((name, old), (_, new)) in before.iter().zip(self.versions(&names)?) {
            ensure!(
                *old == new,
                "{name} was written: {old} before the step, {new} after it"
            );
        }
        Ok(())
    }

    fn unmet(&self, expect: &Expect) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        self.unmet_objects(expect, &mut found)?;
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
        self.unmet_artifacts(&expect.artifacts, &mut found)?;
        if !expect.posted.is_empty() {
            self.unmet_posts(&expect.posted, &mut found)?;
        }
        let unanswered = self.world.receiver.unanswered();
        if unanswered < expect.unanswered {
            found.push(format!("{unanswered} posts were left without an answer"));
        }
        for (metric, value) in expect.metrics.iter().zip(self.metrics(&expect.metrics)?) {
            if metric.at_least.is_some_and(|least| value < least)
                || metric.at_most.is_some_and(|most| value > most)
            {
                found.push(format!("{} {:?} is {value}", metric.name, metric.labels));
            }
        }
        for answer in &expect.answers {
            let code = self.world.with_engine(answer.who, |engine| {
                let port = match answer.port {
                    Port::Artifacts => engine.ports().artifacts,
                    Port::Health => engine.ports().health,
                };
                Ok(http_get(port, &answer.path).map(|(code, _)| code))
            })?;
            if code != answer.code {
                found.push(format!("{answer:?}: got {code:?}"));
            }
        }
        self.logged(&expect.logged, &mut found)?;
        self.unmet_lines(&expect.lines, &mut found)?;
        if !expect.nowhere.is_empty() {
            found.extend(self.leaks(&expect.nowhere)?);
        }
        if !expect.not_stored.is_empty() {
            found.extend(self.stored(&expect.not_stored)?);
        }
        Ok(found)
    }

    fn unmet_objects(&self, expect: &Expect, found: &mut Vec<String>) -> anyhow::Result<()> {
        let mut wanted = Vec::new();
        for (name, pattern) in &expect.objects {
            for (name, pattern) in repeated_entry(name, pattern)? {
                wanted.push((
                    Reference::parse(&self.fill(&name)?)?,
                    self.fill_value(&pattern)?,
                ));
            }
        }
        let names: Vec<&Reference> = wanted.iter().map(|(name, _)| name).collect();
        for ((name, pattern), object) in wanted.iter().zip(self.objects(&names)?) {
            match (pattern.as_str(), object) {
                (Some("gone"), None) => {}
                (Some("gone"), Some(_)) => found.push(format!("{name}: is there")),
                (_, None) => found.push(format!("{name}: is not there")),
                (_, Some(object)) => {
                    found.extend(
                        differences(pattern, &object)
                            .into_iter()
                            .map(|text| format!("{name}{text}")),
                    );
                }
            }
        }
        Ok(())
    }

    /// The objects of these names, where they are there. Many of a kind are listed.
    fn objects(&self, names: &[&Reference]) -> anyhow::Result<Vec<Option<Value>>> {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names {
            *kinds.entry(&name.kind).or_default() += 1;
        }
        let mut lists: BTreeMap<(&str, &str), BTreeMap<String, Value>> = BTreeMap::new();
        let mut found = Vec::new();
        for name in names {
            let space = name.namespace.as_deref().unwrap_or(self.namespace());
            if name.api_version.is_some() || kinds[name.kind.as_str()] < MANY {
                found.push(self.world.cluster.get(name, space)?);
                continue;
            }
            let list = match lists.entry((&name.kind, space)) {
                Entry::Occupied(list) => list.into_mut(),
                Entry::Vacant(list) => {
                    let objects = self.world.cluster.list(&name.kind, space)?;
                    let named = |object: Value| {
                        let name = object["metadata"]["name"].as_str()?.to_owned();
                        Some((name, object))
                    };
                    list.insert(objects.into_iter().filter_map(named).collect())
                }
            };
            found.push(list.get(&name.name).cloned());
        }
        Ok(found)
    }

    /// What the receiver got of the case's objects.
    pub(crate) fn posted(&self) -> Vec<Value> {
        let mut posted = self.world.receiver.events();
        posted.retain(|event| {
            let space = &event["involvedObject"]["namespace"];
            self.spaces.iter().any(|own| *space == **own)
        });
        posted
    }

    fn unmet_posts(&self, patterns: &[Value], found: &mut Vec<String>) -> anyhow::Result<()> {
        let posted = self.posted();
        for pattern in patterns {
            let pattern = self.fill_value(pattern)?;
            if !posted
                .iter()
                .any(|event| differences(&pattern, event).is_empty())
            {
                found.push(format!("not posted: {pattern}; there are {posted:#?}"));
            }
        }
        Ok(())
    }

    /// The present values; 0 for what was never counted.
    fn metrics(&self, metrics: &[Metric]) -> anyhow::Result<Vec<f64>> {
        if metrics.is_empty() {
            return Ok(Vec::new());
        }
        let text = self.world.with_engine(Who::Engine, |engine| {
            engine.metrics().context("`/metrics` does not answer")
        })?;
        Ok(metrics
            .iter()
            .map(|metric| sum(&text, &metric.name, &metric.labels).unwrap_or(0.0))
            .collect())
    }

    /// How often texts stand in the log.
    fn logged(
        &self,
        wanted: &BTreeMap<String, usize>,
        found: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let log = self.world.log();
        for (text, count) in wanted {
            let text = self.fill(text)?;
            let lines = log.lines().filter(|line| line.contains(&text)).count();
            if lines != *count {
                found.push(format!(
                    "`{text}` stands in {lines} lines of the log, wanted in {count}"
                ));
            }
        }
        Ok(())
    }

    /// The lines that are missing, and those that `flux logs` would stumble over.
    fn unmet_lines(&self, patterns: &[Value], found: &mut Vec<String>) -> anyhow::Result<()> {
        if patterns.is_empty() {
            return Ok(());
        }
        let every = json!({
            "ts": r"~ ^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            "level": "~ ^(trace|debug|info|error)$", "logger": "~ .", "msg": "~ .",
        });
        let log = self.world.log();
        let mut lines = Vec::new();
        for text in log.lines() {
            let line = serde_json::from_str(text).unwrap_or_default();
            let wrong = differences(&every, &line);
            if !wrong.is_empty() {
                found.push(format!("the line `{text}`: {}", wrong.join(", ")));
            }
            lines.push(line);
        }
        for pattern in patterns {
            let pattern = self.fill_value(pattern)?;
            if !lines
                .iter()
                .any(|line| differences(&pattern, line).is_empty())
            {
                found.push(format!("no line of the log is {pattern}"));
            }
        }
        Ok(())
    }

    /// The events of the case in the form that patterns are written in.
    pub(crate) fn events(&self) -> anyhow::Result<Vec<Value>> {
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

    /// What changes with every write of an object, and when each manager wrote it.
    pub(crate) fn versions(&self, names: &[String]) -> anyhow::Result<Vec<(String, Value)>> {
        let references: Vec<Reference> = names
            .iter()
            .map(|name| Reference::parse(name))
            .collect::<Result<_, _>>()?;
        let references: Vec<&Reference> = references.iter().collect();
        let version = |(name, object): (&String, Option<Value>)| {
            let object = object.ok_or_else(|| anyhow!("{name} is not there"))?;
            let metadata = &object["metadata"];
            Ok((
                name.clone(),
                json!([metadata["resourceVersion"], metadata["managedFields"]]),
            ))
        };
        names
            .iter()
            .zip(self.objects(&references)?)
            .map(version)
            .collect()
    }

    /// What was not as expected, with what the engine wrote about this case.
    fn told(&self, found: &[String]) -> String {
        let log = self.world.log();
        let about: Vec<&str> = log
            .lines()
            .filter(|line| self.alone || line.contains(self.namespace()))
            .collect();
        let about = about[about.len().saturating_sub(15)..].join("\n    ");
        let more = match found.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let found: Vec<String> = found
            .iter()
            .take(SHOWN)
            .map(|text| text.chars().take(SHOWN_CHARACTERS).collect())
            .collect();
        format!(
            "not as expected:\n  {}{more}\n  the engine's log:\n    {about}",
            found.join("\n  ")
        )
    }
}
