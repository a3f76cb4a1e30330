#[cfg(test)]
mod tests;

use super::ManagedKind;
use super::Moved;
use super::Owner;
use super::OwnerLabels;
use super::Seen;
use crate::Key;
use crate::fingerprint::Fingerprint;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;
use tidegate_values::FieldOwner;
use tidegate_values::ObjectRef;
use tidegate_values::last_manager;

pub(super) type Metadata = PartialObjectMeta<DynamicObject>;

/// How long a watch that was taken up again may take to tell what happened meanwhile.
const CATCHING_UP: Duration = Duration::from_secs(1);

/// How many earlier owners of an object are kept.
const FORMER_OWNERS: usize = 4;

/// What a watch told of the managed objects of one kind: events go in, answers come out.
pub(super) struct Known {
    kind: ManagedKind,
    labels: OwnerLabels,
    /// `None` until the first list is complete. Kept while the watch fails: it goes on where it ended.
    objects: Option<BTreeMap<Key, Managed>>,
    /// What the list that is under way told so far.
    listed: BTreeMap<Key, Listed>,
    /// The newest resource version up to which all was told: older writes are known, newer ones may still be on their way.
    heard: u64,
    hearing: Hearing,
}

/// Whether everything that happens is heard.
#[derive(Clone, Copy)]
enum Hearing {
    Well,
    /// All was listed. What happens from then on is told when the watch is taken up.
    Listed,
    /// The watch failed. What happens now is told when it is taken up again.
    Lost,
    /// It was taken up again then.
    Again(Instant),
}

/// What is kept of a managed object.
#[derive(Clone)]
struct Managed {
    owner: Owner,
    /// Those that its labels named before, oldest first.
    former: Vec<Owner>,
    now: Fingerprint,
    /// Resource version of its last move.
    moved_at: u64,
    /// It is on its way out.
    is_dying: bool,
}

struct Listed {
    managed: Managed,
    manager: String,
}

impl Managed {
    /// Remembers whose it was.
    fn comes_after(&mut self, before: &Managed) {
        self.former.clone_from(&before.former);
        self.former.retain(|owner| *owner != self.owner);
        if before.owner != self.owner {
            self.former.retain(|owner| *owner != before.owner);
            self.former.push(before.owner.clone());
        }
        let surplus = self.former.len().saturating_sub(FORMER_OWNERS);
        self.former.drain(..surplus);
    }
}

impl Known {
    pub(super) fn new(kind: ManagedKind, labels: OwnerLabels) -> Self {
        Self {
            kind,
            labels,
            objects: None,
            listed: BTreeMap::new(),
            heard: 0,
            hearing: Hearing::Well,
        }
    }

    /// Whether anything can be said.
    pub(super) fn is_listed(&self) -> bool {
        self.objects.is_some()
    }

    /// See [`super::Moves::seen`]. While the watch fails, only a move that it told of before is certain.
    pub(super) fn seen(&self, key: &Key, resource_version: &str, now: Instant) -> Seen {
        let written: u64 = resource_version.parse().unwrap_or(0);
        match self.objects.as_ref().map(|objects| objects.get(key)) {
            Some(Some(object)) if object.moved_at > written => Seen::Moved,
            // Gone. What is newer than all that the watch told was written since, and will be told.
            Some(None) if written <= self.heard => Seen::Moved,
            Some(_) if self.hears(now) => Seen::Unmoved,
            None | Some(_) => Seen::Unknown,
        }
    }

    /// See [`super::Moves::is_at`].
    pub(super) fn is_at(&self, key: &Key, resource_version: &str, now: Instant) -> bool {
        let object = self.objects.as_ref().and_then(|objects| objects.get(key));
        self.hears(now)
            && object
                .is_some_and(|object| resource_version.parse() == Ok(object.now.resource_version()))
    }

    fn hears(&self, now: Instant) -> bool {
        match self.hearing {
            Hearing::Well => true,
            Hearing::Listed | Hearing::Lost => false,
            Hearing::Again(since) => now.saturating_duration_since(since) >= CATCHING_UP,
        }
    }

    /// The watch failed.
    pub(super) fn lost(&mut self) {
        self.hearing = Hearing::Lost;
    }

    /// The API server took the watch up, from where it or its list ended: at the resource version `since`. What was written
    /// before, and is not there, came and went while nobody listened, or went before the list: it is never told of.
    pub(super) fn opened(&mut self, since: u64, now: Instant) {
        self.heard = self.heard.max(since);
        self.resumed(now);
    }

    fn resumed(&mut self, now: Instant) {
        match self.hearing {
            Hearing::Listed => self.hearing = Hearing::Well,
            Hearing::Lost => self.hearing = Hearing::Again(now),
            Hearing::Well | Hearing::Again(_) => {}
        }
    }

    /// Takes in what the watch tells. Returns what is news.
    pub(super) fn take(&mut self, event: Event<Metadata>, now: Instant) -> Vec<Moved> {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                if let Some(managed) = self.managed(&object) {
                    let manager = manager_of(&object);
                    self.listed
                        .insert(key(&object), Listed { managed, manager });
                }
            }
            Event::InitDone => {
                self.hearing = Hearing::Listed;
                return self.replace();
            }
            Event::Apply(object) => {
                self.resumed(now);
                return self.apply(&object).into_iter().collect();
            }
            Event::Delete(object) => {
                self.resumed(now);
                return self.delete(&object).into_iter().collect();
            }
        }
        Vec::new()
    }

    fn managed(&self, object: &Metadata) -> Option<Managed> {
        let now = Fingerprint::of(&object.metadata);
        let labels = object.metadata.labels.as_ref()?;
        Some(Managed {
            owner: Key::new(
                labels.get(self.labels.namespace)?,
                labels.get(self.labels.name)?,
            ),
            former: Vec::new(),
            now,
            moved_at: now.resource_version(),
            is_dying: object.metadata.deletion_timestamp.is_some(),
        })
    }

    fn apply(&mut self, object: &Metadata) -> Option<Moved> {
        let Some(mut managed) = self.managed(object) else {
            return self.delete(object);
        };
        let key = key(object);
        self.heard = self.heard.max(managed.now.resource_version());
        let objects = self.objects.as_mut()?;
        let before = objects.get(&key);
        if before.is_some_and(|before| managed.now.is_older_than(&before.now)) {
            return None;
        }
        let status_only = before.is_some_and(|before| before.now.is_unmoved(&managed.now));
        if let Some(before) = before {
            managed.comes_after(before);
        }
        if let Some(before) = before.filter(|_| status_only) {
            managed.moved_at = before.moved_at;
        }
        let is_idle = status_only || managed.is_dying;
        let owners = managed.clone();
        objects.insert(key.clone(), managed);
        Some(self.told(key, &owners, is_idle, manager_of(object)))
    }

    fn delete(&mut self, object: &Metadata) -> Option<Moved> {
        let version = Fingerprint::of(&object.metadata).resource_version();
        self.heard = self.heard.max(version);
        let key = key(object);
        let managed = self.objects.as_mut()?.remove(&key)?;
        Some(self.told(key, &managed, false, String::new()))
    }

    /// A complete list: of the first all is news, of a later one what differs from what was known.
    fn replace(&mut self) -> Vec<Moved> {
        let listed = std::mem::take(&mut self.listed);
        let before = self.objects.take().unwrap_or_default();
        let mut news: Vec<Moved> = before
            .iter()
            .filter(|(key, _)| !listed.contains_key(*key))
            .map(|(key, gone)| self.told(key.clone(), gone, false, String::new()))
            .collect();
        let mut objects = BTreeMap::new();
        for (
            key,
            Listed {
                mut managed,
                manager,
            },
        ) in listed
        {
            self.heard = self.heard.max(managed.now.resource_version());
            let before = before.get(&key);
            let status_only = before.is_some_and(|before| before.now.is_unmoved(&managed.now));
            if let Some(before) = before {
                managed.comes_after(before);
            }
            match before {
                // The watch was faster than the list.
                Some(before) if managed.now.is_older_than(&before.now) => managed = before.clone(),
                Some(before) if before.now == managed.now => managed.moved_at = before.moved_at,
                before => {
                    if let Some(before) = before.filter(|_| status_only) {
                        managed.moved_at = before.moved_at;
                    }
                    let is_idle = status_only || managed.is_dying;
                    news.push(self.told(key.clone(), &managed, is_idle, manager));
                }
            }
            objects.insert(key, managed);
        }
        self.objects = Some(objects);
        news
    }

    fn told(&self, key: Key, managed: &Managed, is_idle: bool, manager: String) -> Moved {
        Moved {
            owner: managed.owner.clone(),
            former: managed.former.clone(),
            object: ObjectRef {
                api_version: self.kind.api_version.clone(),
                kind: self.kind.kind.clone(),
                namespace: key.namespace,
                name: key.name,
            },
            is_idle,
            manager,
        }
    }
}

fn key(object: &Metadata) -> Key {
    Key::new(object.namespace().unwrap_or_default(), object.name_any())
}

/// Who wrote the object last, status aside.
fn manager_of(object: &Metadata) -> String {
    let entries = object.metadata.managed_fields.as_deref();
    let owners = entries.unwrap_or_default().iter().map(|entry| FieldOwner {
        manager: entry.manager.as_deref(),
        subresource: entry.subresource.as_deref(),
        time: entry.time.as_ref().map(|time| time.0),
    });
    last_manager(owners).unwrap_or_default().to_owned()
}
