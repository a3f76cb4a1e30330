//! Waits until what was applied is healthy, without holding a worker.

mod pods;
mod repairing;

pub(super) use repairing::Repairing;

use super::Reconciler;
use super::outcome::Attempt;
use super::outcome::Failure;
use super::outcome::Health;
use super::outcome::Step;
use super::plan::Apply;
use super::plan::HealthChecks;
use super::report;
use crate::build::Built;
use crate::memory::Healthy;
use kube::Client;
use pods::PodLooks;
use pods::Undecided;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;
use tidegate_apply::Action;
use tidegate_cel::Verdict;
use tidegate_flow::Interrupted;
use tidegate_flow::Run;
use tidegate_flow::Trigger;
use tidegate_health::Observation;
use tidegate_health::Progress;
use tidegate_health::Status;
use tidegate_kube::Moved;
use tidegate_values::ObjectRef;
use tokio::sync::broadcast;

/// The first look comes this long after the apply; later ones when something is heard of, or the pause has grown.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Flux's interval of polling. Only objects that are not watched are ever polled so slowly.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After the first sign of a change, more of them are waited for, so that one look sees them all.
const GATHER: Duration = Duration::from_millis(50);

/// How a health check ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    Healthy,
    /// Somebody changed what was applied: it is to be put right first.
    Moved,
}

/// What a wait goes by.
struct Waiting<'a> {
    plan: &'a Apply,
    client: &'a Client,
    objects: &'a [ObjectRef],
    built: &'a Built,
    repairing: &'a Repairing,
    deadline: Instant,
}

impl Reconciler {
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of the reconcile that the others know nothing of"
    )]
    pub(super) async fn check_health(
        &self,
        plan: &Apply,
        client: &Client,
        built: &Built,
        repairing: &Repairing,
        attempt: &mut Attempt,
        run: &Run<Self>,
        progress: &impl Fn(&Attempt) -> Value,
    ) -> Result<Checked, Failure> {
        let mut objects = objects_of(plan, attempt);
        if objects.is_empty() {
            return Ok(Checked::Healthy);
        }
        // It would wait for itself.
        let key = &plan.key;
        objects.retain(|object| {
            object.kind != "Kustomization"
                || object.name != key.name
                || object.namespace != key.namespace
        });
        let since = *attempt
            .waiting_since
            .get_or_insert_with(|| run.clock.instant());
        attempt.step = Step::CheckingHealth;
        attempt.health = Health::Unfinished;
        run.progress(progress(attempt));
        // A new spec, a deletion or (with its gate) a new revision or a request is acted on at once, not after the time-out.
        let ends = |trigger: &Trigger| match trigger {
            Trigger::Spec | Trigger::Deleted => true,
            Trigger::Reference(_) | Trigger::Requested => {
                self.settings.cancel_health_check_on_new_revision
            }
            // What moved is put right amid the wait.
            Trigger::Moved | Trigger::Due => false,
        };
        let waited = if self.stayed_healthy(plan, &objects) {
            Ok(Ok(Checked::Healthy))
        } else {
            let waiting = Waiting {
                plan,
                client,
                objects: &objects,
                built,
                repairing,
                deadline: since + plan.timeout,
            };
            run.waiting(self.wait(&waiting, run), ends).await
        };
        let took = run.clock.elapsed(since);
        match waited {
            Ok(Ok(checked)) => {
                if checked == Checked::Healthy {
                    attempt.health = Health::Passed { took };
                }
                Ok(checked)
            }
            Ok(Err(message)) => {
                attempt.health = Health::Failed {
                    message: message.clone(),
                };
                Err(Failure::Health { message, took })
            }
            Err(Interrupted(trigger)) => Err(Failure::Canceled {
                by: cause(&trigger, plan),
            }),
        }
    }

    /// Looks until all is well, something failed, the deadline is over, or what moved is to be put right.
    ///
    /// A look that was begun comes to its end, whatever moves meanwhile: who changes something all the time must not keep
    /// us from seeing that all is well, or that the time is over.
    async fn wait(&self, waiting: &Waiting<'_>, run: &Run<Self>) -> Result<Checked, String> {
        let Waiting {
            plan,
            client,
            objects,
            built,
            repairing,
            deadline,
        } = *waiting;
        let mut moves = self.moves.subscribe();
        let mut pods = PodLooks::default();
        let mut pause = FIRST_PAUSE;
        loop {
            let (mut seen, versions) = self.look(plan, client, objects, &mut pods, run).await;
            for health in &mut seen {
                health.error = health
                    .error
                    .take()
                    .map(|error| built.redactor.redact(&error));
            }
            let observations: Vec<Observation<'_>> = objects
                .iter()
                .zip(&seen)
                .map(|(object, health)| Observation {
                    object,
                    health: Some(health),
                    may_vanish: built.jobs.contains(object),
                })
                .collect();
            let is_over = run.clock.instant() >= deadline;
            let progress = tidegate_health::progress(&observations, self.settings.fail_fast);
            if progress != Progress::Waiting && !is_over && repairing.comes_first(run) {
                return Ok(Checked::Moved);
            }
            match progress {
                Progress::Current => {
                    let generation = plan.generation;
                    let healthy = Healthy {
                        generation,
                        versions,
                    };
                    self.memories.note_healthy(&plan.key, healthy);
                    return Ok(Checked::Healthy);
                }
                Progress::Failed => {
                    return Err(tidegate_health::failure(&observations, false).unwrap_or_default());
                }
                Progress::Waiting if is_over => {
                    return Err(tidegate_health::failure(&observations, true).unwrap_or_default());
                }
                Progress::Waiting => {}
            }
            let until = (run.clock.instant() + pause).min(deadline);
            pause = (pause * 2).min(LONGEST_PAUSE);
            tokio::select! {
                biased;
                () = repairing.is_due(run) => return Ok(Checked::Moved),
                () = tokio::time::sleep_until(until.into()) => {}
                () = heard_of(&mut moves, objects) => tokio::time::sleep(GATHER).await,
            }
        }
    }

    async fn look(
        &self,
        plan: &Apply,
        client: &Client,
        objects: &[ObjectRef],
        pods: &mut PodLooks,
        run: &Run<Self>,
    ) -> (Vec<tidegate_health::Health>, HashMap<ObjectRef, String>) {
        let read = tidegate_apply::read_live(
            client,
            &self.mapper,
            objects,
            self.settings.concurrent_apply,
        )
        .await;
        let mut versions = HashMap::new();
        let mut seen = Vec::with_capacity(read.len());
        let mut undecided = Vec::new();
        for (place, (object, live)) in read.into_iter().enumerate() {
            seen.push(match live {
                Ok(Some(live)) => {
                    let version = live
                        .pointer("/metadata/resourceVersion")
                        .and_then(Value::as_str);
                    versions.insert(object.clone(), version.unwrap_or_default().to_owned());
                    if let Some(verdict) = plan.expressions.judge(&live) {
                        of_verdict(verdict)
                    } else {
                        let health = tidegate_health::status(&live, run.clock.now());
                        if let Some(pods) = tidegate_health::pod_selection(&live, &health) {
                            undecided.push(Undecided {
                                place,
                                object,
                                live,
                                pods,
                            });
                        }
                        health
                    }
                }
                Ok(None) => tidegate_health::Health::not_found(),
                Err(error) => tidegate_health::Health::unknown(error.to_string()),
            });
        }
        self.judge_by_pods(client, undecided, pods, run.clock, &mut seen)
            .await;
        (seen, versions)
    }

    /// Whether all objects were found healthy before and nothing at all was heard of them since, so that there is
    /// nothing to read.
    fn stayed_healthy(&self, plan: &Apply, objects: &[ObjectRef]) -> bool {
        let Some(healthy) = self
            .memories
            .healthy(&plan.key)
            .filter(|healthy| plan.was_healthy && healthy.generation == plan.generation)
        else {
            return false;
        };
        objects.iter().all(|object| {
            healthy
                .versions
                .get(object)
                .is_some_and(|version| self.is_at(object, version))
        })
    }
}

fn of_verdict(verdict: Result<Verdict, tidegate_cel::Error>) -> tidegate_health::Health {
    let status = match verdict {
        Ok(Verdict::Current) => Status::Current,
        Ok(Verdict::InProgress) => Status::InProgress,
        Ok(Verdict::Failed) => Status::Failed,
        Err(error) => return tidegate_health::Health::unknown(error.to_string()),
    };
    tidegate_health::Health::new(status, "by an expression of healthCheckExprs")
}

/// Tells that all is well, if that is news.
pub(super) fn announce_passed(plan: &Apply, attempt: &Attempt, run: &Run<Reconciler>) {
    let Health::Passed { took } = attempt.health else {
        return;
    };
    let mut changes = attempt.changes.entries.iter();
    let is_news = !plan.was_healthy
        || (plan.is_new_revision && changes.any(|change| change.action.is_change()));
    if is_news {
        let event = report::health_passed(&attempt.revision, took);
        run.announce(event, run.clock.now());
    }
}

/// What is to be healthy.
fn objects_of(plan: &Apply, attempt: &Attempt) -> Vec<ObjectRef> {
    match &plan.health {
        HealthChecks::None => Vec::new(),
        HealthChecks::Applied => attempt
            .changes
            .entries
            .iter()
            .filter(|change| change.action != Action::Skipped)
            .map(|change| change.object.clone())
            .collect(),
        HealthChecks::Listed(objects) => objects.clone(),
    }
}

/// Returns when one of `objects` was changed in any way, or changes were missed.
async fn heard_of(moves: &mut broadcast::Receiver<Moved>, objects: &[ObjectRef]) {
    loop {
        match moves.recv().await {
            Ok(moved) if objects.contains(&moved.object) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// Who ended the wait, as `Kind/namespace/name`.
fn cause(trigger: &Trigger, plan: &Apply) -> String {
    match trigger {
        Trigger::Reference(object) => object.to_string(),
        _ => format!("Kustomization/{}", plan.key),
    }
}
