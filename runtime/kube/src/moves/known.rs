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

/// What a watch told of the managed objects of one kind: events go in, answers come out.
pub(super) struct Known {
    kind: ManagedKind,
    labels: OwnerLabels,
    /// `None` until the first list is complete. Kept while the watch fails: it goes on where it ended.
    objects: Option<BTreeMap<Key, Managed>>,
    /// What the list that is under way told so far.
    listed: BTreeMap<Key, Listed>,
    /// The newest resource version heard of: older writes are known, newer ones may still be on their way.
    heard: u64,
    hearing: Hearing,
}

/// Whether everything that happens is heard.
#[derive(Clone, Copy)]
enum Hearing {
    Well,
    /// The watch failed. What happens now is told when it is taken up again.
    Lost,
    /// It was taken up again then.
    Again(Instant),
}

/// What is kept of a managed object.
#[derive(Clone)]
struct Managed {
    owner: Owner,
    now: Fingerprint,
    /// Resource version of its last move.
    moved_at: u64,
}

struct Listed {
    managed: Managed,
    manager: String,
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
            // Gone. What is newer than all that the watch told was written since.
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
            Hearing::Lost => false,
            Hearing::Again(since) => now.saturating_duration_since(since) >= CATCHING_UP,
        }
    }

    /// The watch failed.
    pub(super) fn lost(&mut self) {
        self.hearing = Hearing::Lost;
    }

    /// The API server took the watch up again, from where it ended.
    pub(super) fn resumed(&mut self, now: Instant) {
        if matches!(self.hearing, Hearing::Lost) {
            self.hearing = Hearing::Again(now);
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
                self.hearing = Hearing::Well;
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
            now,
            moved_at: now.resource_version(),
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
        if let Some(before) = before.filter(|_| status_only) {
            managed.moved_at = before.moved_at;
        }
        let owner = managed.owner.clone();
        objects.insert(key.clone(), managed);
        Some(self.told(key, owner, status_only, manager_of(object)))
    }

    fn delete(&mut self, object: &Metadata) -> Option<Moved> {
        let version = Fingerprint::of(&object.metadata).resource_version();
        self.heard = self.heard.max(version);
        let key = key(object);
        let managed = self.objects.as_mut()?.remove(&key)?;
        Some(self.told(key, managed.owner, false, String::new()))
    }

    /// A complete list: of the first all is news, of a later one what differs from what was known.
    fn replace(&mut self) -> Vec<Moved> {
        let listed = std::mem::take(&mut self.listed);
        let before = self.objects.take().unwrap_or_default();
        let mut news: Vec<Moved> = before
            .iter()
            .filter(|(key, _)| !listed.contains_key(*key))
            .map(|(key, gone)| self.told(key.clone(), gone.owner.clone(), false, String::new()))
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
            match before {
                // The watch was faster than the list.
                Some(before) if managed.now.is_older_than(&before.now) => managed = before.clone(),
                Some(before) if before.now == managed.now => managed.moved_at = before.moved_at,
                before => {
                    if let Some(before) = before.filter(|_| status_only) {
                        managed.moved_at = before.moved_at;
                    }
                    news.push(self.told(key.clone(), managed.owner.clone(), status_only, manager));
                }
            }
            objects.insert(key, managed);
        }
        self.objects = Some(objects);
        news
    }

    fn told(&self, key: Key, owner: Owner, status_only: bool, manager: String) -> Moved {
        Moved {
            owner,
            object: ObjectRef {
                api_version: self.kind.api_version.clone(),
                kind: self.kind.kind.clone(),
                namespace: key.namespace,
                name: key.name,
            },
            status_only,
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LABELS: OwnerLabels = OwnerLabels {
        name: "owner/name",
        namespace: "owner/namespace",
    };

    fn known() -> Known {
        let kind = ManagedKind {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            plural: "deployments".to_owned(),
        };
        Known::new(kind, LABELS)
    }

    fn object(name: &str, version: u64, generation: i64) -> Metadata {
        serde_json::from_value(json!({
            "metadata": {
                "namespace": "ns", "name": name, "uid": name, "generation": generation,
                "resourceVersion": version.to_string(),
                "labels": {"owner/name": "app", "owner/namespace": "flux"},
                "managedFields": [{"manager": "somebody", "operation": "Update"}],
            },
        }))
        .unwrap()
    }

    /// What a complete list of these told, as `name` or `name (status)`.
    fn list(known: &mut Known, objects: &[Metadata], now: Instant) -> Vec<String> {
        assert!(known.take(Event::Init, now).is_empty());
        for object in objects {
            let event = Event::InitApply(object.clone());
            assert!(known.take(event, now).is_empty());
        }
        names(&known.take(Event::InitDone, now))
    }

    fn names(moved: &[Moved]) -> Vec<String> {
        let name = |moved: &Moved| {
            let status = if moved.status_only { " (status)" } else { "" };
            format!("{}{status}", moved.object.name)
        };
        moved.iter().map(name).collect()
    }

    fn seen(known: &Known, name: &str, version: &str, now: Instant) -> Seen {
        known.seen(&Key::new("ns", name), version, now)
    }

    #[test]
    fn goes_on_after_a_failure_where_it_ended() {
        let mut known = known();
        let start = Instant::now();
        assert_eq!(seen(&known, "a", "5", start), Seen::Unknown);
        let told = list(
            &mut known,
            &[object("a", 5, 1), object("b", 6, 1), object("c", 7, 1)],
            start,
        );
        assert_eq!(told, ["a", "b", "c"]);
        assert_eq!(seen(&known, "a", "5", start), Seen::Unmoved);
        assert!(known.is_at(&Key::new("ns", "a"), "5", start));
        known.take(Event::Apply(object("b", 8, 2)), start);
        known.take(Event::Delete(object("c", 9, 1)), start);

        known.lost();
        // Nothing is claimed but what is certain.
        assert_eq!(seen(&known, "a", "5", start), Seen::Unknown);
        assert!(!known.is_at(&Key::new("ns", "a"), "5", start));
        assert_eq!(seen(&known, "b", "6", start), Seen::Moved);
        assert_eq!(seen(&known, "c", "7", start), Seen::Moved);

        let resumed = start + Duration::from_secs(30);
        known.resumed(resumed);
        assert_eq!(seen(&known, "a", "5", resumed), Seen::Unknown);
        // No list comes, and still what is told is taken in and passed on.
        let moved = known.take(Event::Apply(object("a", 10, 2)), resumed);
        assert_eq!(names(&moved), ["a"]);
        assert_eq!(moved[0].manager, "somebody");
        assert_eq!(seen(&known, "a", "5", resumed), Seen::Moved);
        assert_eq!(seen(&known, "a", "10", resumed), Seen::Unknown);
        let later = resumed + CATCHING_UP;
        assert_eq!(seen(&known, "a", "10", later), Seen::Unmoved);
        assert!(known.is_at(&Key::new("ns", "a"), "10", later));
        assert_eq!(seen(&known, "c", "7", later), Seen::Moved);
    }

    #[test]
    fn a_stream_that_goes_on_after_an_error_is_heard_again() {
        let mut known = known();
        let start = Instant::now();
        list(&mut known, &[object("a", 5, 1)], start);
        known.lost();
        let told = names(&known.take(Event::Apply(object("b", 6, 1)), start));
        assert_eq!(told, ["b"]);
        assert_eq!(seen(&known, "a", "5", start), Seen::Unknown);
        let later = start + CATCHING_UP;
        assert_eq!(seen(&known, "a", "5", later), Seen::Unmoved);
    }

    #[test]
    fn another_failure_before_it_has_caught_up_counts() {
        let mut known = known();
        let start = Instant::now();
        list(&mut known, &[object("a", 5, 1)], start);
        known.lost();
        known.resumed(start);
        known.lost();
        let later = start + CATCHING_UP;
        assert_eq!(seen(&known, "a", "5", later), Seen::Unknown);
        // A success that nobody missed changes nothing.
        let mut known = self::known();
        list(&mut known, &[object("a", 5, 1)], start);
        known.resumed(start);
        assert_eq!(seen(&known, "a", "5", start), Seen::Unmoved);
    }

    #[test]
    fn a_list_after_a_failure_tells_only_what_changed() {
        let mut known = known();
        let start = Instant::now();
        let first = [
            object("gone", 4, 1),
            object("same", 5, 1),
            object("healthier", 6, 1),
            object("moved", 7, 1),
            object("newer", 9, 2),
        ];
        list(&mut known, &first, start);
        known.lost();
        // Too old a version: all is listed anew.
        let second = [
            object("same", 5, 1),
            object("healthier", 12, 1),
            object("moved", 11, 2),
            object("new", 10, 1),
            object("newer", 8, 1),
        ];
        let told = list(&mut known, &second, start);
        assert_eq!(told, ["gone", "healthier (status)", "moved", "new"]);
        for (name, written, expected) in [
            ("gone", "4", Seen::Moved),
            ("same", "5", Seen::Unmoved),
            ("healthier", "6", Seen::Unmoved),
            ("moved", "7", Seen::Moved),
            ("newer", "9", Seen::Unmoved),
        ] {
            assert_eq!(seen(&known, name, written, start), expected, "{name}");
        }
        // Nor does a list that nothing happened before tell anything.
        let third = [
            object("same", 5, 1),
            object("healthier", 12, 1),
            object("moved", 11, 2),
            object("new", 10, 1),
            object("newer", 9, 2),
        ];
        assert!(list(&mut known, &third, start).is_empty());
    }

    #[test]
    fn a_list_that_ends_early_changes_nothing() {
        let mut known = known();
        let start = Instant::now();
        list(&mut known, &[object("a", 5, 1)], start);
        known.take(Event::Init, start);
        known.take(Event::InitApply(object("b", 6, 1)), start);
        known.lost();
        assert_eq!(seen(&known, "b", "6", start), Seen::Unknown);
        let told = list(&mut known, &[object("a", 5, 1)], start);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn who_loses_its_labels_is_gone() {
        let mut known = known();
        let start = Instant::now();
        list(&mut known, &[object("a", 5, 1)], start);
        let mut stripped = object("a", 6, 1);
        stripped.metadata.labels = None;
        assert_eq!(names(&known.take(Event::Apply(stripped), start)), ["a"]);
        assert_eq!(seen(&known, "a", "5", start), Seen::Moved);
    }
}
