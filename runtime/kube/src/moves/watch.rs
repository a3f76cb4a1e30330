use super::ManagedKind;
use super::Moved;
use super::Owner;
use super::OwnerLabels;
use super::Seen;
use super::lock;
use crate::Key;
use crate::fingerprint::Fingerprint;
use crate::patience::Patience;
use crate::refusal::Refusal;
use futures::StreamExt as _;
use kube::Api;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;
use tidegate_values::FieldOwner;
use tidegate_values::ObjectRef;
use tidegate_values::last_manager;
use tokio::sync::broadcast;

type Metadata = PartialObjectMeta<DynamicObject>;

/// How long an event takes at most from the API server's watch cache to us, as a rule: both ends are awake.
const ARRIVAL: Duration = Duration::from_millis(20);

/// What is heard of the managed objects of one kind, in all namespaces or in one.
pub(super) struct Watch {
    api: Api<Metadata>,
    kind: ManagedKind,
    labels: OwnerLabels,
    moved: broadcast::Sender<Moved>,
    state: Mutex<State>,
    /// When the last [`Watch::refresh`] began. Held while one is under way, so that whoever comes meanwhile shares the
    /// next.
    refreshed: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct State {
    /// `None` until the first list is complete, and while the kind can't be watched.
    objects: Option<BTreeMap<Key, Managed>>,
    /// The newest resource version heard of: older writes are known, newer ones may still be on their way.
    heard: u64,
}

/// What is kept of a managed object.
#[derive(Clone)]
struct Managed {
    owner: Owner,
    now: Fingerprint,
    /// Resource version of its last move.
    moved_at: u64,
}

impl Watch {
    pub(super) fn new(
        api: Api<Metadata>,
        kind: ManagedKind,
        labels: OwnerLabels,
        moved: broadcast::Sender<Moved>,
    ) -> Self {
        Self {
            api,
            kind,
            labels,
            moved,
            state: Mutex::default(),
            refreshed: tokio::sync::Mutex::default(),
        }
    }

    /// See [`super::Moves::seen`].
    pub(super) fn seen(&self, key: &Key, resource_version: &str) -> Seen {
        let state = lock(&self.state);
        let written: u64 = resource_version.parse().unwrap_or(0);
        match state.objects.as_ref().map(|objects| objects.get(key)) {
            None => Seen::Unknown,
            Some(Some(object)) if object.moved_at > written => Seen::Moved,
            // Gone. What is newer than all that the watch told was written since.
            Some(None) if written <= state.heard => Seen::Moved,
            Some(_) => Seen::Unmoved,
        }
    }

    /// See [`super::Moves::is_at`].
    pub(super) fn is_at(&self, key: &Key, resource_version: &str) -> bool {
        let state = lock(&self.state);
        let object = state.objects.as_ref().and_then(|objects| objects.get(key));
        object.is_some_and(|object| resource_version.parse() == Ok(object.now.resource_version()))
    }

    /// See [`super::Moves::refresh`].
    pub(super) async fn refresh(&self, since: Instant) -> Result<(), kube::Error> {
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_some_and(|began| began >= since) || lock(&self.state).objects.is_none() {
            return Ok(());
        }
        let began = Instant::now();
        self.api.list(&ListParams::default().limit(1)).await?;
        tokio::time::sleep(ARRIVAL).await;
        *refreshed = Some(began);
        Ok(())
    }

    /// Watches the objects that `selector` chooses, for as long as the process lives.
    pub(super) async fn follow(&self, selector: &str) {
        let config = watcher::Config::default().labels(selector);
        let mut refusal = Refusal::of(self.api.resource_url());
        let mut events = watcher(self.api.clone(), config).boxed();
        let mut listed = BTreeMap::new();
        let mut patience = Patience::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Init) => listed.clear(),
                Ok(watcher::Event::InitApply(object)) => listed.extend(self.managed(&object)),
                Ok(watcher::Event::InitDone) => {
                    self.replace(std::mem::take(&mut listed));
                    refusal.succeeded();
                    patience = Patience::default();
                }
                Ok(watcher::Event::Apply(object)) => self.apply(&object),
                Ok(watcher::Event::Delete(object)) => self.delete(&object),
                Err(error) => {
                    // Forbidden, or the kind is gone: objects of it are read again on each interval, as Flux does.
                    lock(&self.state).objects = None;
                    if !refusal.failed(&error) {
                        tracing::debug!(kind = self.kind.kind, %error, "watch of managed objects failed");
                    }
                    patience.wait().await;
                }
            }
        }
    }

    fn managed(&self, object: &Metadata) -> Option<(Key, Managed)> {
        let now = Fingerprint::of(&object.metadata);
        Some((
            key(object),
            Managed {
                owner: self.owner(object)?,
                now,
                moved_at: now.resource_version(),
            },
        ))
    }

    fn owner(&self, object: &Metadata) -> Option<Owner> {
        let labels = object.metadata.labels.as_ref()?;
        Some(Key::new(
            labels.get(self.labels.namespace)?,
            labels.get(self.labels.name)?,
        ))
    }

    fn apply(&self, object: &Metadata) {
        let Some((key, mut managed)) = self.managed(object) else {
            return self.delete(object);
        };
        let mut state = lock(&self.state);
        state.heard = state.heard.max(managed.now.resource_version());
        let Some(objects) = &mut state.objects else {
            return;
        };
        let before = objects.get(&key);
        if before.is_some_and(|before| managed.now.is_older_than(&before.now)) {
            return;
        }
        let status_only = before.is_some_and(|before| before.now.is_unmoved(&managed.now));
        if let Some(before) = before.filter(|_| status_only) {
            managed.moved_at = before.moved_at;
        }
        let owner = managed.owner.clone();
        objects.insert(key.clone(), managed);
        let manager = manager_of(object);
        self.tell(key, owner, status_only, manager);
    }

    fn delete(&self, object: &Metadata) {
        let key = key(object);
        let mut state = lock(&self.state);
        state.heard = state
            .heard
            .max(Fingerprint::of(&object.metadata).resource_version());
        if let Some(managed) = state
            .objects
            .as_mut()
            .and_then(|objects| objects.remove(&key))
        {
            self.tell(key, managed.owner, false, String::new());
        }
    }

    fn replace(&self, mut listed: BTreeMap<Key, Managed>) {
        let mut state = lock(&self.state);
        let newest = listed
            .values()
            .map(|managed| managed.now.resource_version())
            .max()
            .unwrap_or(0);
        state.heard = state.heard.max(newest);
        let before = state.objects.take().unwrap_or_default();
        for (key, managed) in &before {
            if !listed.contains_key(key) {
                self.tell(key.clone(), managed.owner.clone(), false, String::new());
            }
        }
        for (key, managed) in &mut listed {
            match before.get(key) {
                // The watch was faster than the list.
                Some(before) if managed.now.is_older_than(&before.now) => *managed = before.clone(),
                Some(before) if before.now.is_unmoved(&managed.now) => {
                    managed.moved_at = before.moved_at;
                }
                _ => self.tell(key.clone(), managed.owner.clone(), false, String::new()),
            }
        }
        state.objects = Some(listed);
    }

    fn tell(&self, key: Key, owner: Owner, status_only: bool, manager: String) {
        let object = ObjectRef {
            api_version: self.kind.api_version.clone(),
            kind: self.kind.kind.clone(),
            namespace: key.namespace,
            name: key.name,
        };
        // No receiver is no error.
        let _ = self.moved.send(Moved {
            owner,
            object,
            status_only,
            manager,
        });
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
