use serde_json::Value;
use tidegate_values::Digest;

use super::Run;
use crate::{
    apply::{
        judge::{refused, without_undeclared},
        stage::{Done, Target},
    },
    change::Action,
    error::{Error, RequestError},
    live::{place, present},
    memory::{is_excluded, live_digest},
    polling::Polling,
    request::{self, Answer, ApplyMode, Place},
};

/// How often an apply is repeated when the object changed under the server's hands.
const CONFLICT_RETRIES: u32 = 3;

/// What is known of the live object before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Absent,
    /// The digest of its content.
    Live(Digest),
    /// Nothing: it is not ours yet and was not looked at.
    Unseen,
}

/// How an object is to be sent.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) before: Before,
    /// A dry run went well: a refusal now is a failed apply.
    pub(super) tried: bool,
    /// What to send in place of the wanted object.
    pub(super) payload: Option<Value>,
    /// JSON patch that takes fields from other managers.
    pub(super) cleanup: Option<Value>,
    /// The live object was changed already.
    pub(super) patched: bool,
    /// Delete the object of this uid first.
    pub(super) recreate: Option<String>,
}

impl Plan {
    pub(super) fn untried(before: Before) -> Self {
        Self {
            before,
            tried: false,
            payload: None,
            cleanup: None,
            patched: false,
            recreate: None,
        }
    }

    pub(super) fn tried(before: Before, payload: Option<Value>) -> Self {
        Self {
            tried: true,
            payload,
            ..Self::untried(before)
        }
    }
}

impl Run<'_> {
    /// Carries a plan out. Notes what may have been applied all the same when it fails.
    pub(super) async fn send(&self, target: &Target, plan: Plan) -> Result<Done, Error> {
        let mut is_unsure = false;
        let sent = self.carry_out(target, plan, &mut is_unsure).await;
        if sent.is_err() && is_unsure {
            self.unsure.lock().push(target.reference.clone());
        }
        sent
    }

    async fn carry_out(
        &self,
        target: &Target,
        mut plan: Plan,
        is_unsure: &mut bool,
    ) -> Result<Done, Error> {
        let place = match &target.resource {
            Ok(resource) => place(resource, &target.reference),
            Err(cause) => return Err(refused(target, cause.clone())),
        };
        if let Some(uid) = plan.recreate.take() {
            self.remove(target, &place, &uid).await?;
        }
        self.clean_up(target, &place, &mut plan).await?;
        // What was not looked at is not touched at first: it may be somebody's who does not want that.
        let mut mode = if plan.before == Before::Unseen && !plan.tried {
            ApplyMode::New
        } else {
            ApplyMode::Force
        };
        let mut conflicts = 0;
        let answer = loop {
            let cause = match self
                .request_apply(target, &place, plan.payload.as_ref(), mode)
                .await
            {
                Ok(answer) => break answer,
                Err(cause) => cause,
            };
            *is_unsure |= !cause.is_certain();
            if mode == ApplyMode::New && cause.may_be_there() {
                if let Some(done) = self.look(target, &place, &mut plan).await? {
                    return Ok(done);
                }
                // What is there may be of the first of several requests.
                plan.patched |= *is_unsure;
                self.clean_up(target, &place, &mut plan).await?;
                mode = ApplyMode::Force;
            } else if cause.is_conflict() && conflicts < CONFLICT_RETRIES {
                conflicts += 1;
            } else if plan.tried {
                return Err(Error::Apply {
                    object: target.reference.clone(),
                    cause: Box::new(cause),
                });
            } else if let Some(smaller) = without_undeclared(target, plan.payload.take(), &cause) {
                plan.payload = Some(smaller);
            } else {
                if let Some(done) = self.make_way(target, &place, &mut plan, cause).await? {
                    return Ok(done);
                }
                mode = ApplyMode::Force;
            }
        };
        *is_unsure = true;
        let answer = self.take_over(target, &place, &mut plan, answer).await?;
        let action = match plan.before {
            _ if answer.created => Action::Created,
            Before::Live(digest) if !plan.patched && digest == live_digest(&answer.object) => {
                Action::Unchanged
            }
            _ => Action::Configured,
        };
        Ok(Done::of(target, action, &answer.object))
    }

    async fn clean_up(
        &self,
        target: &Target,
        place: &Place<'_>,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let Some(patch) = plan.cleanup.take() else {
            return Ok(());
        };
        let answer = request::json_patch(self.client, place, &patch, &self.settings.manager).await;
        answer.map_err(|cause| Error::Cleanup {
            object: target.reference.clone(),
            cause: Box::new(cause),
        })?;
        plan.patched = true;
        Ok(())
    }

    /// Reads an object that turned out to be there. `Some` when it is to be left alone.
    async fn look(
        &self,
        target: &Target,
        place: &Place<'_>,
        plan: &mut Plan,
    ) -> Result<Option<Done>, Error> {
        let live = match self.read(target, place).await {
            Ok(Some(live)) => live,
            // It is there, and can't be seen because the server is switching its definition: nothing to take by force.
            Err(cause) if cause.is_unserved() => return Err(refused(target, cause)),
            // As in Flux, an object that can't be read is applied all the same.
            Ok(None) | Err(_) => return Ok(None),
        };
        if is_excluded(&live, &self.exclusions) {
            return Ok(Some(Done::of(target, Action::Skipped, &live)));
        }
        plan.before = Before::Live(live_digest(&live));
        plan.cleanup = self.cleanup_patch(target, &live);
        // The clean-up changes the object before the apply does: only when the server is known to take it.
        if plan.cleanup.is_some() {
            match self.try_apply(target, place).await {
                Ok((_, payload)) => {
                    plan.payload = payload;
                    plan.tried = true;
                }
                Err(cause) => return self.make_way(target, place, plan, cause).await,
            }
        }
        Ok(None)
    }

    /// An object that was there and could not be looked at may hold fields that kubectl left.
    async fn take_over(
        &self,
        target: &Target,
        place: &Place<'_>,
        plan: &mut Plan,
        answer: Answer,
    ) -> Result<Answer, Error> {
        if plan.before != Before::Unseen || answer.created {
            return Ok(answer);
        }
        plan.cleanup = self.cleanup_patch(target, &answer.object);
        if plan.cleanup.is_none() {
            return Ok(answer);
        }
        self.clean_up(target, place, plan).await?;
        let answer = self
            .request_apply(target, place, plan.payload.as_ref(), ApplyMode::Force)
            .await;
        answer.map_err(|cause| Error::Apply {
            object: target.reference.clone(),
            cause: Box::new(cause),
        })
    }

    /// After a refusal without dry run: removes the live object if making it anew helps, else the refusal stands. `Some`
    /// when the object is to be left alone.
    async fn make_way(
        &self,
        target: &Target,
        place: &Place<'_>,
        plan: &mut Plan,
        cause: RequestError,
    ) -> Result<Option<Done>, Error> {
        let Some(live) = self.read(target, place).await.unwrap_or_default() else {
            return Err(refused(target, cause));
        };
        if is_excluded(&live, &self.exclusions) {
            return Ok(Some(Done::of(target, Action::Skipped, &live)));
        }
        if !self.must_recreate(target, place, &live, &cause).await {
            return Err(refused(target, cause));
        }
        let uid = live
            .pointer("/metadata/uid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.remove(target, place, uid).await?;
        *plan = Plan::tried(Before::Absent, plan.payload.take());
        Ok(None)
    }

    /// Deletes an object and waits until its finalizers are done.
    async fn remove(&self, target: &Target, place: &Place<'_>, uid: &str) -> Result<(), Error> {
        let uid = Some(uid).filter(|uid| !uid.is_empty());
        let answer = self
            .ask(target, place, || {
                request::delete(self.client, place, uid, None)
            })
            .await;
        match answer {
            Ok(()) => self.gone(target, place).await,
            Err(cause) if cause.is_not_found() && !cause.is_unserved() => Ok(()),
            Err(cause) => Err(Error::Recreate {
                object: target.reference.clone(),
                cause: Box::new(cause),
            }),
        }
    }

    async fn gone(&self, target: &Target, place: &Place<'_>) -> Result<(), Error> {
        let mut polling = Polling::new(self.settings.wait_timeout);
        if self.is_gone(target, place).await? {
            return Ok(());
        }
        self.parts
            .idle(async {
                while polling.is_left() {
                    polling.pause().await;
                    let _look = self.parts.look().await;
                    if self.is_gone(target, place).await? {
                        return Ok(());
                    }
                }
                Err(Error::RecreateTimeout {
                    object: target.reference.clone(),
                })
            })
            .await
    }

    /// A path that is not served hides the object: it may still be there.
    async fn is_gone(&self, target: &Target, place: &Place<'_>) -> Result<bool, Error> {
        match present(request::get(self.client, place).await) {
            Ok(live) => Ok(live.is_none()),
            Err(cause) if cause.is_unserved() => Ok(false),
            Err(cause) => Err(Error::Recreate {
                object: target.reference.clone(),
                cause: Box::new(cause),
            }),
        }
    }
}
