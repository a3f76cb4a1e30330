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
use tidegate_apply::ChangeSet;
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
        let previous = self.previous().await;
        let writing = reconciler.memories.start_writing(&plan.key);
        let mut outcome = tidegate_apply::apply(
            self.client,
            &reconciler.mapper,
            self.owner,
            objects,
            &previous,
            &settings,
            &WithoutWorker(run),
        )
        .await;
        outcome.failure = outcome
            .failure
            .map(|failure| failure.redacted(self.redactor));
        let failure = outcome.failure_message();
        let applied = std::mem::take(&mut outcome.applied);
        self.remember(previous, applied, &outcome.changes);
        drop(writing);
        if let Some(message) = failure {
            // What was applied before the refusal stays ours (Flux forgets it: orphans), and what may have been.
            let kept = self.before.clone().after_failure(&outcome);
            attempt.inventory = (kept != self.before).then(|| written(&kept));
            return Err(Failure::Apply(message));
        }
        attempt.changes = outcome.changes;
        report::log_applied(&attempt.revision, &attempt.changes, flags.group_change_log);
        let after = Inventory::of(&attempt.changes);
        attempt.inventory = Some(written(&after));
        Ok(after)
    }

    /// Puts right what somebody changed since it was applied, while its health is waited for.
    pub(super) async fn repair(
        &self,
        objects: Vec<Object>,
        attempt: &mut Attempt,
        run: &Run<Reconciler>,
    ) -> Result<(), Failure> {
        let earlier = std::mem::take(&mut attempt.changes);
        let repaired = self.apply(objects, attempt, run).await;
        if repaired.is_ok()
            && let Some(event) = report::applied(&attempt.revision, &attempt.changes)
        {
            run.announce(event, run.clock.now());
        }
        // The attempt has changed what any of its applies changed.
        let changed = earlier.entries.iter().filter(|was| was.action.is_change());
        let changed: HashMap<_, _> = changed.map(|was| (&was.object, was.action)).collect();
        for change in &mut attempt.changes.entries {
            if let Some(action) = changed.get(&change.object) {
                change.action = *action;
            }
        }
        repaired.map(|_| ())
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
    async fn previous(&self) -> Previous {
        let Self {
            reconciler, plan, ..
        } = self;
        let mut previous = Previous {
            inventory: self.before.clone(),
            ..Previous::default()
        };
        let Some(memory) = reconciler.memories.get(&plan.key) else {
            return previous;
        };
        if plan.requested {
            reconciler.catch_up(&memory, self.started).await;
        }
        let unchanged = reconciler.unmoved(&memory, plan);
        previous.moved = memory
            .applied
            .keys()
            .filter(|object| !unchanged.contains(*object))
            .cloned()
            .collect();
        previous.known = memory.applied;
        previous
    }

    fn remember(
        &self,
        previous: Previous,
        applied: HashMap<ObjectRef, tidegate_apply::Applied>,
        changes: &ChangeSet,
    ) {
        let Self {
            reconciler, plan, ..
        } = self;
        let Previous {
            mut known, moved, ..
        } = previous;
        let everything_read = known.is_empty() || moved.len() == known.len();
        let read_at = match reconciler.memories.get(&plan.key) {
            Some(memory) if !everything_read => memory.read_at,
            _ => tidegate_flow::Clock.instant(),
        };
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
        known.retain(|object, _| wanted.contains(object));
        let mut repairs = reconciler.repairs.lock();
        repairs.keep(&plan.key, |object| wanted.contains(object));
        drop(repairs);
        reconciler.memories.put(
            &plan.key,
            Memory {
                applied: known,
                account: plan.account.clone(),
                read_at,
            },
        );
        reconciler.watch_kinds(&plan.key, changes, &self.before);
    }
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
