//! Writes to the cluster: applies what was built, prunes what is gone, and remembers both.

use super::Reconciler;
use super::outcome::Attempt;
use super::outcome::Failure;
use super::plan::Apply;
use super::report;
use crate::memory::Memory;
use kube::Client;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use tidegate_api::InventoryEntry;
use tidegate_api::meta::component;
use tidegate_apply::Action;
use tidegate_apply::Inventory;
use tidegate_apply::Object;
use tidegate_apply::Owner;
use tidegate_apply::Previous;
use tidegate_apply::Wait;
use tidegate_apply::Waiter;
use tidegate_apply::inventory::Entry;
use tidegate_flow::Run;
use tidegate_values::ObjectRef;
use tidegate_values::Redactor;

/// What the steps that write share.
pub(super) struct Applying<'a> {
    pub(super) reconciler: &'a Reconciler,
    pub(super) plan: &'a Apply,
    /// Speaks as the account that objects belong to.
    pub(super) client: &'a Client,
    pub(super) owner: &'a Owner,
    /// Knows the secrets among what was built: what a server says must not repeat them.
    pub(super) redactor: &'a Redactor,
    /// Those of what was built that the cluster deletes when they are done.
    pub(super) jobs: &'a HashSet<ObjectRef>,
    /// What the last success left.
    pub(super) before: Inventory,
    /// When the attempt began.
    pub(super) started: Instant,
}

impl Applying<'_> {
    /// The old inventory with what is about to be applied; `None` when nothing in it is new.
    pub(super) async fn with_new(&self, objects: &[Object]) -> Option<Inventory> {
        let wanted = tidegate_apply::identify(
            &self.reconciler.mapper,
            objects.iter().map(Object::reference),
        )
        .await;
        let mut with_new = self.before.clone();
        with_new.merge(&wanted);
        (with_new.entries.len() > self.before.entries.len()).then_some(with_new)
    }

    /// Applies, and gives what we answer for from now on.
    pub(super) async fn apply(
        &self,
        objects: Vec<Object>,
        attempt: &mut Attempt,
        run: &Run<Reconciler>,
    ) -> Result<Inventory, Failure> {
        let previous = self.previous(false).await;
        let outcome = self.send(objects, previous, run).await;
        if let Some(message) = outcome.failure_message() {
            // What was applied before the refusal stays ours (Flux forgets it: orphans), and what may have been.
            let kept = self.before.clone().after_failure(&outcome);
            attempt.inventory = (kept != self.before).then(|| written(&kept));
            return Err(Failure::Apply(message));
        }
        attempt.changes = outcome.changes;
        let by_action = self.reconciler.settings.group_change_log;
        report::log_applied(&attempt.revision, &attempt.changes, by_action);
        let after = Inventory::of(&attempt.changes);
        attempt.inventory = Some(written(&after));
        Ok(after)
    }

    /// Puts right what somebody changed since it was applied, while its health is waited for. Tells whether there was
    /// anything to change, or why it failed. Jobs that the cluster deletes when they are done ran already.
    pub(super) async fn repair(
        &self,
        objects: Vec<Object>,
        attempt: &mut Attempt,
        run: &Run<Reconciler>,
    ) -> Result<bool, String> {
        let previous = self.previous(true).await;
        let outcome = self.send(objects, previous, run).await;
        // Whatever became of it: what was applied stays ours.
        attempt.inventory = Some(written(&self.before.clone().after_failure(&outcome)));
        // The attempt has changed what any of its applies changed.
        let changes = outcome.changes.entries.iter();
        let changed: HashMap<_, _> = changes
            .filter(|change| change.action != Action::Unchanged)
            .map(|change| (&change.object, change.action))
            .collect();
        for change in &mut attempt.changes.entries {
            if let Some(action) = changed.get(&change.object) {
                change.action = *action;
            }
        }
        if let Some(message) = outcome.failure_message() {
            return Err(message);
        }
        let by_action = self.reconciler.settings.group_change_log;
        report::log_applied(&attempt.revision, &outcome.changes, by_action);
        let event = report::applied(&attempt.revision, &outcome.changes);
        let is_change = event.is_some();
        if let Some(event) = event {
            run.announce(event, run.clock.now());
        }
        Ok(is_change)
    }

    async fn send(
        &self,
        objects: Vec<Object>,
        before: Before,
        run: &Run<Reconciler>,
    ) -> tidegate_apply::Outcome {
        let Self {
            reconciler, plan, ..
        } = self;
        let flags = &reconciler.settings;
        let mut settings = tidegate_apply::Settings::new(
            component::KUSTOMIZE_CONTROLLER,
            Arc::clone(&reconciler.plugins.drift),
        );
        settings.force = plan.force;
        settings.dry_run = flags.dry_run;
        settings.concurrent = flags.concurrent_apply;
        settings
            .override_managers
            .clone_from(&flags.override_managers);
        settings.custom_stage.clone_from(&flags.custom_stage_kinds);
        settings.migrate_api_version = flags.migrate_api_version;
        settings.ignore = (!plan.ignore.is_empty()).then(|| serde_json::json!(plan.ignore));
        let writing = reconciler.memories.start_writing(&plan.key);
        let mut outcome = tidegate_apply::apply(
            self.client,
            &reconciler.mapper,
            self.owner,
            objects,
            &before.previous,
            &settings,
            &WithoutWorker(run),
        )
        .await;
        outcome.failure = outcome
            .failure
            .map(|failure| failure.redacted(self.redactor));
        let applied = std::mem::take(&mut outcome.applied);
        self.remember(before, applied, &outcome);
        drop(writing);
        outcome
    }

    /// Deletes what was applied before and is in `after` no more.
    pub(super) async fn prune(
        &self,
        mut after: Inventory,
        attempt: &mut Attempt,
        run: &Run<Reconciler>,
    ) -> Result<(), Failure> {
        let stale = self
            .before
            .without(&after)
            .map_err(|error| Failure::Apply(error.to_string()))?;
        if !self.plan.prune || stale.is_empty() {
            return Ok(());
        }
        let pruned = tidegate_apply::prune(
            self.client,
            &self.reconciler.mapper,
            self.owner,
            stale,
            &after,
            self.reconciler.settings.concurrent_apply,
            &WithoutWorker(run),
        )
        .await;
        if let Some(failure) = pruned.failure {
            after.merge(&pruned.survivors);
            attempt.inventory = Some(written(&after));
            return Err(Failure::Prune(failure.redacted(self.redactor).to_string()));
        }
        if let Some(event) = report::pruned(&attempt.revision, &pruned.changes) {
            run.announce(event, run.clock.now());
        }
        Ok(())
    }

    /// What the last apply left, and what was heard since.
    async fn previous(&self, leaves_jobs: bool) -> Before {
        let Self {
            reconciler, plan, ..
        } = self;
        let mut before = Before {
            previous: Previous {
                inventory: self.before.clone(),
                ..Previous::default()
            },
            read_at: None,
            jobs_at: None,
        };
        let memory = reconciler.memories.get(&plan.key);
        if let Some(memory) = memory.as_ref().filter(|_| plan.requested) {
            reconciler.catch_up(memory, self.started).await;
        }
        let now = tidegate_flow::Clock.instant();
        reconciler.repairs.lock().looks(&plan.key, now);
        let Some(memory) = memory else {
            return before;
        };
        let mut unmoved = reconciler.unmoved(&memory, plan);
        before.read_at = (!unmoved.is_empty()).then_some(memory.read_at);
        if leaves_jobs || reconciler.leaves_jobs(&memory, plan) {
            before.jobs_at = Some(memory.jobs_at);
            unmoved.extend(memory.jobs);
        }
        let objects = memory.applied.keys();
        before.previous.moved = objects
            .filter(|object| !unmoved.contains(*object))
            .cloned()
            .collect();
        before.previous.known = memory.applied;
        before
    }

    fn remember(
        &self,
        before: Before,
        applied: HashMap<ObjectRef, tidegate_apply::Applied>,
        outcome: &tidegate_apply::Outcome,
    ) {
        let changes = &outcome.changes;
        let Self {
            reconciler, plan, ..
        } = self;
        let Previous {
            mut known, moved, ..
        } = before.previous;
        let now = tidegate_flow::Clock.instant();
        for change in changes
            .entries
            .iter()
            .filter(|change| change.action.is_change())
        {
            if moved.contains(&change.object) {
                reconciler
                    .repairs
                    .lock()
                    .note(&plan.key, &change.object, now);
            }
        }
        known.extend(applied);
        let wanted: HashSet<&ObjectRef> = changes
            .entries
            .iter()
            .map(|change| &change.object)
            .collect();
        // A Job that was not come to does not run again for the failure of something else.
        let has_failed = outcome.failure.is_some();
        known.retain(|object, _| {
            wanted.contains(object) || (has_failed && self.jobs.contains(object))
        });
        let mut repairs = reconciler.repairs.lock();
        repairs.keep(&plan.key, now, |object| wanted.contains(object));
        drop(repairs);
        let jobs = known.keys().filter(|object| self.jobs.contains(object));
        reconciler.memories.put(
            &plan.key,
            Memory {
                jobs: jobs.cloned().collect(),
                jobs_at: before.jobs_at.unwrap_or(now),
                applied: known,
                account: plan.account.clone(),
                read_at: before.read_at.unwrap_or(now),
            },
        );
        reconciler.watch_kinds(&plan.key, changes, &self.before);
    }
}

/// What an apply goes by.
struct Before {
    previous: Previous,
    /// When everything was last read; `None` when it is now.
    read_at: Option<Instant>,
    /// When it was last seen to it that Jobs are there; `None` when it is now.
    jobs_at: Option<Instant>,
}

/// Waits that hold no worker.
pub(super) struct WithoutWorker<'a>(pub(super) &'a Run<Reconciler>);

impl Waiter for WithoutWorker<'_> {
    fn wait<'a>(&'a self, wait: Wait<'a>) -> Wait<'a> {
        Box::pin(self.0.waiting_out(wait))
    }
}

/// From a status.
pub(super) fn inventory_of(status: &tidegate_api::Inventory) -> Inventory {
    let entries = status.entries.iter().map(|entry| Entry {
        id: entry.id.clone(),
        version: entry.v.clone(),
    });
    Inventory {
        entries: entries.collect(),
    }
}
/// For a status.
pub(super) fn written(inventory: &Inventory) -> tidegate_api::Inventory {
    let entries = inventory.entries.iter().map(|entry| InventoryEntry {
        id: entry.id.clone(),
        v: entry.version.clone(),
    });
    tidegate_api::Inventory {
        entries: entries.collect(),
    }
}
