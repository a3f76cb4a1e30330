//! Which of the applied objects stayed as the last apply left them.

use super::Reconciler;
use super::plan::Apply;
use crate::DriftRepair;
use crate::memory::Memory;
use std::collections::BTreeSet;
use std::collections::HashSet;
use tidegate_apply::ChangeSet;
use tidegate_kube::Key;
use tidegate_kube::ManagedKind;
use tidegate_kube::Moved;
use tidegate_kube::Seen;
use tidegate_values::ObjectRef;

impl Reconciler {
    /// The objects that need not be asked for. With `--drift-repair=interval`, after another account applied, and
    /// once in `--full-resync` it is none.
    pub(super) async fn unmoved(&self, memory: &Memory, plan: &Apply) -> HashSet<ObjectRef> {
        let due = tidegate_flow::Clock.elapsed(memory.read_at) > self.settings.full_resync;
        if self.settings.drift_repair == DriftRepair::Interval || due || memory.account != plan.account {
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

    /// Has the kinds of what was applied watched.
    pub(super) fn watch_kinds(&self, changes: &ChangeSet) {
        if self.settings.drift_repair == DriftRepair::Interval {
            return;
        }
        let kinds: BTreeSet<ManagedKind> =
            changes.entries.iter().filter_map(|change| self.managed_kind(&change.object)).collect();
        for kind in &kinds {
            self.moves.watch(kind);
        }
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
    /// Whether a move is somebody else's: our own writes are remembered with the version they gave.
    pub(crate) fn is_news(&self, moved: &Moved) -> bool {
        let Some(version) = self.memories.version_of(&moved.owner, &moved.object) else {
            return false;
        };
        let Some(kind) = self.managed_kind(&moved.object) else { return false };
        let key = Key::new(&moved.object.namespace, &moved.object.name);
        self.moves.seen(&kind, &key, &version) == Seen::Moved
    }
}
