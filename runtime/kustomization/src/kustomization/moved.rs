//! Which of the applied objects stayed as the last apply left them.

use super::Reconciler;
use super::plan::Apply;
use super::report;
use crate::DriftRepair;
use crate::memory::Memory;
use crate::repairs::Repair;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tidegate_apply::ChangeSet;
use tidegate_apply::Inventory;
use tidegate_flow::Flow;
use tidegate_flow::Trigger;
use tidegate_kube::Key;
use tidegate_kube::ManagedKind;
use tidegate_kube::Moved;
use tidegate_kube::Place;
use tidegate_kube::Seen;
use tidegate_values::ObjectRef;

impl Reconciler {
    /// The objects that need not be asked for. With `--drift-repair=interval`, after another account applied, and
    /// once in `--full-resync` it is none.
    pub(super) fn unmoved(&self, memory: &Memory, plan: &Apply) -> HashSet<ObjectRef> {
        let due = tidegate_flow::Clock.elapsed(memory.read_at) > self.settings.full_resync;
        if self.settings.drift_repair == DriftRepair::Interval
            || due
            || memory.account != plan.account
        {
            return HashSet::new();
        }
        let unmoved = memory.applied.iter().filter(|(object, applied)| {
            self.managed_kind(object).is_some_and(|kind| {
                let key = Key::new(&object.namespace, &object.name);
                self.moves.seen(&kind, &key, &applied.resource_version) == Seen::Unmoved
            })
        });
        unmoved.map(|(object, _)| object.clone()).collect()
    }

    /// Whether Jobs that the cluster deletes when they are done are left as they are, gone or not. They run when somebody
    /// asks, when something is new or failed, and once in an interval: not whenever something else drifts.
    pub(super) fn leaves_jobs(&self, memory: &Memory, plan: &Apply) -> bool {
        let shortest = 100 - self.settings.interval_jitter_percentage.min(100);
        let shortest = plan.interval * u32::from(shortest) / 100;
        self.settings.drift_repair == DriftRepair::Watch
            && plan.is_settled
            && (plan.interval.is_zero() || tidegate_flow::Clock.elapsed(memory.jobs_at) < shortest)
    }

    /// Makes the watches catch up with the moment of a request, so that it is not answered from a stale view.
    pub(super) async fn catch_up(&self, memory: &Memory, since: std::time::Instant) {
        if self.settings.drift_repair == DriftRepair::Interval {
            return;
        }
        let places = self.places(memory.applied.keys());
        let refreshes = places.iter().map(async |(kind, namespace)| {
            if let Err(error) = self.moves.refresh(kind, namespace, since).await {
                // The watch goes on: what it has not told of yet is repaired when it does.
                tracing::debug!(%error, kind = kind.kind, namespace, "failed to catch up");
            }
        });
        futures::future::join_all(refreshes).await;
    }

    /// Whether an object stands at exactly this resource version, by what the watches tell.
    pub(super) fn is_at(&self, object: &ObjectRef, version: &str) -> bool {
        self.settings.drift_repair == DriftRepair::Watch
            && self.managed_kind(object).is_some_and(|kind| {
                self.moves
                    .is_at(&kind, &Key::new(&object.namespace, &object.name), version)
            })
    }

    /// Has the kinds of what was applied watched, where they are, and those whose definition was applied without further
    /// delay. What was applied `before` may still be there: an apply that failed says nothing of it.
    pub(super) fn watch_kinds(&self, key: &Key, changes: &ChangeSet, before: &Inventory) {
        if self.settings.drift_repair == DriftRepair::Interval {
            return;
        }
        for change in &changes.entries {
            if change.action.is_change() && is_definition(&change.object) {
                self.moves.retry(&change.object.name);
            }
        }
        let before = before.objects().unwrap_or_default();
        let objects = changes.entries.iter().map(|change| &change.object);
        self.moves.watch(key, self.places(objects.chain(&before)));
    }

    /// The kinds of objects and the namespaces that they are in.
    fn places<'a>(&self, objects: impl Iterator<Item = &'a ObjectRef>) -> BTreeSet<Place> {
        objects
            .filter_map(|object| Some((self.managed_kind(object)?, object.namespace.clone())))
            .collect()
    }

    fn managed_kind(&self, object: &ObjectRef) -> Option<ManagedKind> {
        let resource = self.mapper.known(&object.api_version, &object.kind)?;
        Some(ManagedKind {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            plural: resource.plural.clone(),
        })
    }
}

impl Reconciler {
    /// Has the owner of an object that somebody moved looked at: at once, or later when it is moved again and again.
    pub(crate) fn repair(self: &Arc<Self>, moved: &Moved, flow: &Flow<Self>) {
        let Some(owner) = self.kustomizations.get(&moved.owner) else {
            if !moved.former.is_empty() {
                tokio::spawn(Arc::clone(self).repair_labels(moved.clone(), flow.clone()));
            }
            return;
        };
        if !self.is_news(moved) {
            return;
        }
        let clock = tidegate_flow::Clock;
        let interval = owner.spec.interval.to_std();
        let decided =
            self.repairs
                .lock()
                .decide(&moved.owner, &moved.object, clock.instant(), interval);
        match decided {
            Repair::Now => flow.trigger(moved.owner.clone(), Trigger::Moved),
            Repair::Asked | Repair::Paused => {}
            Repair::After { pause, is_fight } => {
                if is_fight {
                    let event = report::contested(&moved.object, &moved.manager, pause);
                    self.announcer.announce::<Self>(&owner, event, clock.now());
                } else {
                    tracing::debug!(
                        kustomization = %moved.owner,
                        "{} moves again and again, and needs no repair: looking at it not before {pause:?}",
                        moved.object
                    );
                }
                tokio::spawn(Arc::clone(self).repair_after(pause, moved.clone(), flow.clone()));
            }
        }
    }

    /// Has those look at an object that applied it, when its labels name somebody who does not live: who gives an object to
    /// a living owner, means to; who gives it to nobody, only keeps it from its owner.
    async fn repair_labels(self: Arc<Self>, moved: Moved, flow: Flow<Self>) {
        if self.dependency(&moved.owner).await.is_some() {
            return;
        }
        for owner in &moved.former {
            let of_theirs = Moved {
                owner: owner.clone(),
                former: Vec::new(),
                ..moved.clone()
            };
            self.repair(&of_theirs, &flow);
        }
    }

    async fn repair_after(self: Arc<Self>, pause: Duration, moved: Moved, flow: Flow<Self>) {
        tokio::time::sleep(pause).await;
        let is_there = self.kustomizations.get(&moved.owner).is_some();
        if is_there && self.repairs.lock().ask(&moved.owner, &moved.object) {
            flow.trigger(moved.owner, Trigger::Moved);
        }
    }

    /// Whether a move is somebody else's: our own writes are remembered with the version they gave.
    fn is_news(&self, moved: &Moved) -> bool {
        let Some(version) = self.memories.version_of(&moved.owner, &moved.object) else {
            return false;
        };
        let Some(kind) = self.managed_kind(&moved.object) else {
            return false;
        };
        let key = Key::new(&moved.object.namespace, &moved.object.name);
        self.moves.seen(&kind, &key, &version) == Seen::Moved
    }
}

fn is_definition(object: &ObjectRef) -> bool {
    object.kind == "CustomResourceDefinition"
        && object.api_version.starts_with("apiextensions.k8s.io/")
}
