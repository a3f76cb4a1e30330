use std::sync::Arc;

use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_health::{Health, Observation, Progress, Status};
use tidegate_values::{Digest, ObjectRef};

use super::{Outcome, Run};
use crate::{
    Object,
    apply::{
        DryRunMode,
        drift::Checked,
        judge::Judgement,
        send::{Before, Plan},
    },
    change::Action,
    error::{Error, RequestError},
    live::{canonical, place},
    mapper::Resource,
    memory::{Applied, desired_digest},
    object::any_in_metadata,
    order::Stage,
    polling::Polling,
    request,
};

/// The time matters to the health of pods alone, and stages that are waited for have none.
const ANY_TIME: Timestamp = Timestamp::UNIX_EPOCH;

/// One object on its way.
pub(super) struct Target {
    pub(super) object: Object,
    pub(super) desired: Digest,
    pub(super) resource: Result<Arc<Resource>, RequestError>,
    /// Without namespace when the server says that the kind has none.
    pub(super) reference: ObjectRef,
    pub(super) is_waited_for: bool,
}

/// An object of a stage that is waited for.
struct Awaited<'a> {
    /// Among the objects of the stage.
    place: usize,
    object: &'a ObjectRef,
    health: Health,
    /// It was on its way out, as it was applied or later: what was done to it goes with it.
    is_dying: bool,
}

impl<'a> Awaited<'a> {
    fn new(place: usize, object: &'a ObjectRef, health: Health) -> Self {
        Self {
            place,
            object,
            is_dying: health.status == Status::Terminating,
            health,
        }
    }

    fn see(&mut self, health: Health) {
        self.is_dying |= health.status == Status::Terminating;
        self.health = health;
    }

    fn has_died(&self) -> bool {
        self.is_dying && self.health.status == Status::NotFound
    }
}

/// An object that is dealt with.
pub(super) struct Done {
    pub(super) reference: ObjectRef,
    pub(super) action: Action,
    /// `None` when what is remembered still holds.
    pub(super) applied: Option<Applied>,
    /// `None` when nothing was read: the object was ready before and did not move.
    pub(super) health: Option<Health>,
}

impl Done {
    pub(super) fn of(target: &Target, action: Action, live: &Value) -> Self {
        Self {
            reference: target.reference.clone(),
            action,
            applied: Some(Applied::new(
                target.desired,
                live,
                action == Action::Skipped,
            )),
            health: target
                .is_waited_for
                .then(|| tidegate_health::status(live, ANY_TIME)),
        }
    }
}

impl Run<'_> {
    pub(super) async fn apply_stage(
        &self,
        stage: Stage,
        objects: Vec<Object>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let targets = self.targets(stage, objects).await;
        let mut results: Vec<Option<Done>> = Vec::with_capacity(targets.len());
        for target in &targets {
            results.push(self.settle(target).await);
        }
        let pending: Vec<usize> = (0..targets.len())
            .filter(|place| results[*place].is_none())
            .collect();
        let plans = self.judge_all(&targets, &pending, &mut results).await?;
        let mut sent = self.send_all(&targets, plans, &mut results).await;
        self.note_definitions(&targets, &results);
        let mut waiting = Ok(());
        let mut polling = Polling::new(self.settings.wait_timeout);
        while stage.is_waited_for() && sent.is_ok() {
            let died = self.parts.wait(self.wait(&results, &mut polling)).await;
            // Whoever asked meanwhile may have been shown the old one.
            self.note_definitions(&targets, &results);
            match died {
                Ok(died) if died.is_empty() => break,
                Ok(died) => {
                    let mut plans = Vec::new();
                    for place in died {
                        // What was done to it is gone with it.
                        results[place] = None;
                        plans.push((place, Plan::untried(Before::Absent)));
                    }
                    sent = self.send_all(&targets, plans, &mut results).await;
                    self.note_definitions(&targets, &results);
                }
                Err(failure) => {
                    waiting = Err(failure);
                    break;
                }
            }
        }
        for done in results.into_iter().flatten() {
            // What did not become ready is looked at again the next time.
            if let Some(applied) = done.applied.filter(|_| waiting.is_ok()) {
                outcome.applied.insert(done.reference.clone(), applied);
            }
            let kept = sent.is_ok() || done.action.is_change();
            if kept {
                outcome.changes.push(done.reference, done.action);
            }
        }
        sent.and(waiting)
    }

    async fn targets(&self, stage: Stage, objects: Vec<Object>) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::with_capacity(objects.len());
        for object in objects {
            let resource = match targets.last() {
                Some(last)
                    if last.object.kind() == object.kind()
                        && last.object.api_version() == object.api_version() =>
                {
                    last.resource.clone()
                }
                _ => self.resolve(&object).await,
            };
            let mut reference = object.reference();
            if let Ok(resource) = &resource {
                reference = canonical(resource, reference);
            }
            let desired = desired_digest(&object, &self.fingerprint);
            targets.push(Target {
                object,
                desired,
                resource,
                reference,
                is_waited_for: stage.is_waited_for(),
            });
        }
        targets
    }

    async fn resolve(&self, object: &Object) -> Result<Arc<Resource>, RequestError> {
        let ask = || self.mapper.resolve(object.api_version(), object.kind());
        let lags = |resource: &Result<Arc<Resource>, RequestError>| {
            resource.is_err() && self.mapper.is_fresh(object.group())
        };
        let mut resource = ask().await;
        let mut polling = Polling::new(self.lag());
        if !lags(&resource) || !polling.is_left() {
            return resource;
        }
        let wait = async {
            while lags(&resource) && polling.is_left() {
                polling.pause().await;
                resource = ask().await;
            }
            resource
        };
        self.parts.wait(wait).await
    }

    /// What can be told of an object without asking for it.
    async fn settle(&self, target: &Target) -> Option<Done> {
        if any_in_metadata(target.object.get("metadata"), &self.exclusions) {
            return Some(self.skip(target).await);
        }
        let known = self.previous.settled(&target.reference)?;
        let action = if known.skipped {
            Action::Skipped
        } else {
            Action::Unchanged
        };
        let reference = target.reference.clone();
        (known.desired == target.desired).then_some(Done {
            reference,
            action,
            applied: None,
            health: None,
        })
    }

    /// An object whose manifest says to leave it alone. Flux notes it as the server names it if it exists, and as the
    /// manifest does if not (fluxcd/pkg, `shouldSkipApply`): that differs for cluster-scoped objects whose manifest
    /// has a namespace, and those are looked for once.
    async fn skip(&self, target: &Target) -> Done {
        let manifest = target.object.reference();
        let done = |reference, applied| Done {
            reference,
            action: Action::Skipped,
            applied,
            health: None,
        };
        if manifest == target.reference || self.previous.settled(&target.reference).is_some() {
            return done(target.reference.clone(), None);
        }
        if self.previous.settled(&manifest).is_some() {
            return done(manifest, None);
        }
        let live = match &target.resource {
            Ok(resource) => request::get(self.client, &place(resource, &target.reference))
                .await
                .ok(),
            Err(_) => None,
        };
        let applied = Applied::new(target.desired, live.as_ref().unwrap_or(&Value::Null), true);
        let reference = if live.is_some() {
            target.reference.clone()
        } else {
            manifest
        };
        done(reference, Some(applied))
    }

    /// Judges the objects at `pending`; the first refusal in apply order stops the stage before anything is sent.
    async fn judge_all(
        &self,
        targets: &[Target],
        pending: &[usize],
        results: &mut [Option<Done>],
    ) -> Result<Vec<(usize, Plan)>, Error> {
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        self.check_rules().await?;
        let dry_run = self.settings.dry_run == DryRunMode::Stage && pending.len() > 1;
        let judgements =
            (0..pending.len()).map(|index| self.judge(&targets[pending[index]], dry_run));
        let judgements = self.parts.run(judgements, Result::is_err).await;
        let mut plans = Vec::new();
        let mut asked = Vec::new();
        let mut questions = Vec::new();
        // What was not begun comes after the refusal that kept it from that.
        for (judgement, place) in judgements.into_iter().flatten().zip(pending) {
            match judgement? {
                Judgement::Done(done) => results[*place] = Some(*done),
                Judgement::Send(plan) => plans.push((*place, *plan)),
                Judgement::Ask(question) => {
                    asked.push(*place);
                    questions.push((&targets[*place], *question));
                }
            }
        }
        let checked = self.check_drift(questions).await?;
        for (place, checked) in asked.into_iter().zip(checked) {
            match checked {
                Checked::Done(done) => results[place] = Some(done),
                Checked::Send(plan) => plans.push((place, plan)),
            }
        }
        // Objects are sent in apply order, whoever judged them.
        plans.sort_by_key(|(place, _)| *place);
        Ok(plans)
    }

    /// Sends what is to be sent: objects of one kind at a time, in parallel. Those that wait for their predecessor to go
    /// keep no other from its turn. After a refusal nothing more is begun, and the first in apply order is told.
    async fn send_all(
        &self,
        targets: &[Target],
        plans: Vec<(usize, Plan)>,
        results: &mut [Option<Done>],
    ) -> Result<(), Error> {
        let mut plans = plans.into_iter().peekable();
        while let Some((first, _)) = plans.peek() {
            let kind = &targets[*first];
            let (places, plans): (Vec<usize>, Vec<Plan>) = std::iter::from_fn(|| {
                plans.next_if(|(place, _)| is_same_kind(kind, &targets[*place]))
            })
            .unzip();
            let sending = places
                .iter()
                .zip(plans)
                .map(|(place, plan)| self.send(&targets[*place], plan));
            let sent = self.parts.run(sending, Result::is_err).await;
            let mut failure = None;
            for (sent, place) in sent.into_iter().flatten().zip(places) {
                match sent {
                    Ok(done) => results[place] = Some(done),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        Ok(())
    }

    fn note_definitions(&self, targets: &[Target], results: &[Option<Done>]) {
        for (target, done) in targets.iter().zip(results) {
            let changed = done.as_ref().is_some_and(|done| done.action.is_change());
            let group = target
                .object
                .get("spec")
                .and_then(|spec| spec.get("group"))
                .and_then(Value::as_str)
                .filter(|_| changed && target.object.is_definition());
            if let Some(group) = group {
                self.mapper.note_definition(group, target.object.name());
            }
        }
    }

    /// Waits until the objects of a stage are ready (fluxcd/pkg, `ssa/manager_wait.go`, `WaitForSet`).
    /// Those that were ready when last seen cost nothing.
    ///
    /// Ends early with the places of those that were on their way out and are gone by now: they are to be made anew. Flux
    /// goes on waiting for them, fails when its time is over, and makes them anew at its next try.
    async fn wait(
        &self,
        results: &[Option<Done>],
        polling: &mut Polling,
    ) -> Result<Vec<usize>, Error> {
        let done = results.iter().enumerate().filter_map(|(place, done)| {
            let done = done
                .as_ref()
                .filter(|done| done.action != Action::Skipped)?;
            let health = done.health.clone()?;
            Some(Awaited::new(place, &done.reference, health))
        });
        let mut waiting: Vec<Awaited<'_>> = done.collect();
        let mut reads = 0;
        loop {
            let timed_out = reads > 0 && !polling.is_left();
            let observations: Vec<Observation<'_>> = waiting
                .iter()
                .map(|awaited| Observation {
                    object: awaited.object,
                    health: Some(&awaited.health),
                    may_vanish: false,
                })
                .collect();
            let ended = match tidegate_health::progress(&observations, false) {
                Progress::Current => return Ok(Vec::new()),
                Progress::Failed => true,
                Progress::Waiting => timed_out,
            };
            if ended && let Some(text) = tidegate_health::failure(&observations, timed_out) {
                return Err(Error::NotReady(text));
            }
            polling.pause().await;
            reads += 1;
            // What is well stays so for this purpose.
            waiting.retain(|awaited| !awaited.health.is_current());
            let healths = (0..waiting.len()).map(|index| self.health(waiting[index].object));
            let states: Vec<Health> = futures::stream::iter(healths)
                .buffered(self.settings.concurrent.max(1))
                .collect()
                .await;
            for (awaited, now) in waiting.iter_mut().zip(states) {
                awaited.see(now);
            }
            let died = waiting.iter().filter(|awaited| awaited.has_died());
            let died: Vec<usize> = died.map(|awaited| awaited.place).collect();
            if !died.is_empty() && polling.is_left() {
                return Ok(died);
            }
        }
    }

    async fn health(&self, object: &ObjectRef) -> Health {
        match crate::live::read_one(self.client, self.mapper, object).await {
            Ok(Some(live)) => tidegate_health::status(&live, ANY_TIME),
            Ok(None) => Health::not_found(),
            Err(error) => Health::unknown(error.to_string()),
        }
    }
}

fn is_same_kind(one: &Target, other: &Target) -> bool {
    one.object.kind() == other.object.kind()
        && one.object.api_version() == other.object.api_version()
}
