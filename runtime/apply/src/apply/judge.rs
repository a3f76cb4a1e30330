use std::sync::Arc;

use serde_json::Value;

use super::Run;
use crate::{
    apply::{
        DryRunMode,
        drift::Question,
        send::{Before, Plan},
        stage::{Done, Target},
    },
    change::Action,
    cleanup,
    error::{Error, RequestError},
    live::{place, present},
    memory::{Applied, is_excluded, live_digest},
    object::any_in_metadata,
    polling::Polling,
    request::{self, Answer, ApplyMode, Place},
    schema,
};

/// What is to be done with an object.
pub(super) enum Judgement {
    Done(Box<Done>),
    Send(Box<Plan>),
    /// It is there: the drift check knows.
    Ask(Box<Question>),
}

/// What the server would make of an object, and the object as it had to be for that
/// (`None`: as it is wanted).
type Trial = Result<(Answer, Option<Value>), RequestError>;

impl Run<'_> {
    /// Decides by reading and, with `dry_run`, by trying (fluxcd/pkg, `ssa`, `ApplyAll`). Changes nothing but, with the
    /// migration gate, the versions in field owners.
    pub(super) async fn judge(&self, target: &Target, dry_run: bool) -> Result<Judgement, Error> {
        let place = match &target.resource {
            Ok(resource) => place(resource, &target.reference),
            Err(cause) => return Err(refused(target, cause.clone())),
        };
        let if_not_present = any_in_metadata(target.object.get("metadata"), &self.if_not_present);
        // Rules that ignore fields need both the live and the tried object.
        let dry_run = dry_run || self.has_rules;
        let settled = self
            .previous
            .settled(&target.reference)
            .filter(|known| !known.skipped);
        // Migration starts from the owners that the server has noted, which nothing here remembers.
        let migrate = self.settings.migrate_api_version;
        if let Some(known) = settled
            && !self.has_rules
            && !migrate
        {
            return self
                .judge_known(target, &place, known, if_not_present, dry_run)
                .await;
        }
        let is_new = !self.previous.known.contains_key(&target.reference)
            && !self.is_owned(&target.reference);
        let untried = self.settings.dry_run == DryRunMode::Never;
        let read_first = !is_new || if_not_present || self.has_rules || (migrate && untried);
        let mut trial = None;
        if !read_first && dry_run {
            let tried = self.try_apply(target, &place).await;
            if let Ok((answer, payload)) = &tried
                && is_absent(answer)
            {
                return Ok(send(Plan::tried(Before::Absent, payload.clone())));
            }
            trial = Some(tried);
        } else if !read_first && untried {
            return Ok(send(Plan::untried(Before::Unseen)));
        }
        // As in Flux, an object that can't be read is tried all the same.
        let read = self.read(target, &place).await;
        let readable = read.is_ok();
        let Some(live) = read.unwrap_or_default() else {
            let before = if readable {
                Before::Absent
            } else {
                Before::Unseen
            };
            return self
                .judge_absent(target, &place, before, trial, dry_run)
                .await;
        };
        if if_not_present || is_excluded(&live, &self.exclusions) {
            return Ok(done(Done::of(target, Action::Skipped, &live)));
        }
        self.judge_live(target, &place, live, trial, dry_run).await
    }

    /// An object that nobody touched since it was applied, and that is now wanted otherwise.
    async fn judge_known(
        &self,
        target: &Target,
        place: &Place<'_>,
        known: &Applied,
        if_not_present: bool,
        dry_run: bool,
    ) -> Result<Judgement, Error> {
        let kept = |action, skipped| {
            let applied = Applied {
                desired: target.desired,
                skipped,
                ..known.clone()
            };
            Judgement::Done(Box::new(Done {
                reference: target.reference.clone(),
                action,
                applied: Some(applied),
                health: None,
            }))
        };
        if if_not_present {
            return Ok(kept(Action::Skipped, true));
        }
        let before = Before::Live(known.live);
        if !dry_run {
            return Ok(send(Plan::untried(before)));
        }
        match self.try_apply(target, place).await {
            Ok((answer, _)) if live_digest(&answer.object) == known.live => {
                Ok(kept(Action::Unchanged, false))
            }
            Ok((_, payload)) => Ok(send(Plan::tried(before, payload))),
            Err(cause) => {
                let live = self.read(target, place).await.unwrap_or_default();
                self.judge_refusal(target, place, live.as_ref(), cause)
                    .await
            }
        }
    }

    async fn judge_absent(
        &self,
        target: &Target,
        place: &Place<'_>,
        before: Before,
        trial: Option<Trial>,
        dry_run: bool,
    ) -> Result<Judgement, Error> {
        if !dry_run {
            return Ok(send(Plan::untried(before)));
        }
        let trial = match trial {
            Some(trial) => trial,
            None => self.try_apply(target, place).await,
        };
        match trial {
            Ok((answer, payload)) => {
                let before = if is_absent(&answer) {
                    Before::Absent
                } else {
                    Before::Unseen
                };
                Ok(send(Plan::tried(before, payload)))
            }
            Err(cause) => Err(refused(target, cause)),
        }
    }

    async fn judge_live(
        &self,
        target: &Target,
        place: &Place<'_>,
        mut live: Value,
        mut trial: Option<Trial>,
        dry_run: bool,
    ) -> Result<Judgement, Error> {
        let mut patched = false;
        if self.settings.migrate_api_version
            && let Some(patch) = cleanup::migration_patch(&live, target.object.api_version())
        {
            let answer =
                request::json_patch(self.client, place, &patch, &self.settings.manager).await;
            live = answer.map_err(|cause| Error::Migrate {
                object: target.reference.clone(),
                cause: Box::new(cause),
            })?;
            patched = true;
            trial = trial.filter(Result::is_ok);
        }
        let cleanup = self.cleanup_patch(target, &live);
        let before = Before::Live(live_digest(&live));
        // The clean-up changes the object before the apply does: only when the server is known to take it.
        let mut plan = Plan::untried(before);
        let mut tried = None;
        if dry_run || cleanup.is_some() {
            let trial = match trial {
                Some(trial) => trial,
                None => self.try_apply(target, place).await,
            };
            match trial {
                Ok((answer, payload)) => {
                    plan = Plan::tried(before, payload);
                    tried = Some(Arc::new(answer.object));
                }
                Err(cause) => return self.judge_refusal(target, place, Some(&live), cause).await,
            }
        }
        Ok(Judgement::Ask(Box::new(Question {
            live: Arc::new(live),
            dry_run: tried,
            plan: Plan {
                cleanup,
                patched,
                ..plan
            },
        })))
    }

    /// A refusal stands, unless the object may be made anew and would be taken then.
    async fn judge_refusal(
        &self,
        target: &Target,
        place: &Place<'_>,
        live: Option<&Value>,
        cause: RequestError,
    ) -> Result<Judgement, Error> {
        match live {
            Some(live) if is_excluded(live, &self.exclusions) => {
                Ok(done(Done::of(target, Action::Skipped, live)))
            }
            Some(live) if self.must_recreate(target, place, live, &cause).await => {
                let uid = live
                    .pointer("/metadata/uid")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                Ok(send(Plan {
                    recreate: Some(uid.to_owned()),
                    ..Plan::tried(Before::Absent, None)
                }))
            }
            _ => Err(refused(target, cause)),
        }
    }

    /// Whether a refusal is about fields that can't change, so that making the object anew helps.
    ///
    /// Flux takes every `Invalid` and `Conflict` for that, deletes the object, and may then be refused again
    /// (fluxcd/pkg, `ssa/errors`, `IsImmutableError`). We ask the server first, by a trial creation under another name.
    pub(super) async fn must_recreate(
        &self,
        target: &Target,
        place: &Place<'_>,
        live: &Value,
        cause: &RequestError,
    ) -> bool {
        if !self.may_recreate(&target.object, live) {
            return false;
        }
        let immutable = names_immutability(&cause.to_string());
        if !immutable && !cause.is_invalid() {
            return false;
        }
        let wanted = target.object.clone().into_value();
        let trial = self.ask(target, place, || {
            request::probe_creation(self.client, place, wanted.clone(), &self.settings.manager)
        });
        match trial.await {
            Ok(()) => true,
            Err(trial) => immutable && is_of_the_trial(&trial.to_string()),
        }
    }

    /// What of kubectl and other displaced managers is to be removed; nothing from objects that are to be merged.
    pub(super) fn cleanup_patch(&self, target: &Target, live: &Value) -> Option<Value> {
        let merged = any_in_metadata(target.object.get("metadata"), &self.merge)
            || any_in_metadata(live.get("metadata"), &self.merge);
        if merged {
            None
        } else {
            cleanup::metadata_patch(live, &self.displaced, &self.settings.manager)
        }
    }

    pub(super) async fn try_apply(&self, target: &Target, place: &Place<'_>) -> Trial {
        let mut payload = None;
        loop {
            match self
                .request_apply(target, place, payload.as_ref(), ApplyMode::Trial)
                .await
            {
                Ok(answer) => return Ok((answer, payload)),
                Err(cause) => match without_undeclared(target, payload.take(), &cause) {
                    Some(smaller) => payload = Some(smaller),
                    None => return Err(cause),
                },
            }
        }
    }

    /// Applies `payload`, or the object as it is wanted.
    pub(super) async fn request_apply(
        &self,
        target: &Target,
        place: &Place<'_>,
        payload: Option<&Value>,
        mode: ApplyMode,
    ) -> Result<Answer, RequestError> {
        let manager = &self.settings.manager;
        let object = payload
            .and_then(Value::as_object)
            .unwrap_or(target.object.as_map());
        let answer = self
            .ask(target, place, || {
                request::apply(self.client, place, object, manager, mode)
            })
            .await;
        let unserved = answer.as_ref().is_err_and(RequestError::is_unserved);
        // The definition may be gone, or another. A missing namespace explains itself.
        if unserved && !place.is_nowhere() {
            self.mapper.refresh(target.object.api_version()).await;
        }
        answer
    }

    /// The live object; `None` when it is not there. A path that the server does not serve says nothing of the object.
    pub(super) async fn read(
        &self,
        target: &Target,
        place: &Place<'_>,
    ) -> Result<Option<Value>, RequestError> {
        let answer = self
            .ask(target, place, || request::get(self.client, place))
            .await;
        present(answer)
    }

    /// Asks, and asks again while the path of a new or changed definition lags behind its discovery.
    pub(super) async fn ask<T, F>(
        &self,
        target: &Target,
        place: &Place<'_>,
        request: impl Fn() -> F,
    ) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, RequestError>>,
    {
        let lags = |answer: &Result<T, RequestError>| {
            answer.as_ref().is_err_and(RequestError::is_unserved)
                && !place.is_nowhere()
                && self.mapper.is_fresh(target.object.group())
        };
        let mut answer = request().await;
        let mut polling = Polling::new(self.lag());
        if !lags(&answer) || !polling.is_left() {
            return answer;
        }
        self.parts
            .idle(async {
                while lags(&answer) && polling.is_left() {
                    polling.pause().await;
                    let _look = self.parts.look().await;
                    answer = request().await;
                }
                answer
            })
            .await
    }
}

/// The object without the fields that the server does not know, if that is what it complains of.
pub(super) fn without_undeclared(
    target: &Target,
    payload: Option<Value>,
    cause: &RequestError,
) -> Option<Value> {
    let RequestError::Refused { message, .. } = cause else {
        return None;
    };
    let mut smaller = payload.unwrap_or_else(|| target.object.clone().into_value());
    let dropped = schema::drop_undeclared(smaller.as_object_mut()?, target.object.group(), message);
    dropped.then_some(smaller)
}

pub(super) fn refused(target: &Target, cause: RequestError) -> Error {
    Error::DryRun {
        object: target.object.reference(),
        cause: Box::new(cause),
    }
}

/// A dry run of a creation has no resource version (fluxcd/pkg, `ssa`, `hasDrifted`).
fn is_absent(answer: &Answer) -> bool {
    answer.created
        || answer
            .object
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
}

fn done(done: Done) -> Judgement {
    Judgement::Done(Box::new(done))
}

fn send(plan: Plan) -> Judgement {
    Judgement::Send(Box::new(plan))
}

/// Whether a trial creation was refused for its own sake alone: for its name, or for what the object that is to go holds.
fn is_of_the_trial(message: &str) -> bool {
    let has_several_causes = message.contains("is invalid: [");
    !has_several_causes
        && ["metadata.name", "already allocated", "exceeded quota"]
            .into_iter()
            .any(|words| message.contains(words))
}

/// The words of Flux's two patterns, and of built-in kinds' validation.
fn names_immutability(message: &str) -> bool {
    [
        "is immutable",
        "immutable field",
        "may not change once set",
        "Forbidden: updates to ",
    ]
    .into_iter()
    .any(|words| message.contains(words))
}
