use crate::Key;
use crate::fingerprint::Fingerprint;
use crate::patience::Patience;
use futures::StreamExt as _;
use kube::Api;
use kube::Client;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::api::ListParams;
use kube::core::ApiResource;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tidegate_values::FieldOwner;
use tidegate_values::ObjectRef;
use tidegate_values::last_manager;
use tokio::sync::broadcast;

type Metadata = PartialObjectMeta<DynamicObject>;

/// How long an event takes at most from the API server's watch cache to us, as a rule: both ends are awake.
const ARRIVAL: Duration = Duration::from_millis(20);

/// A kind of managed objects, as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManagedKind {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
}

impl ManagedKind {
    fn resource(&self) -> ApiResource {
        let (group, version) = self
            .api_version
            .split_once('/')
            .unwrap_or(("", &self.api_version));
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }
}

/// The labels that tell whose an object is.
#[derive(Debug, Clone, Copy)]
pub struct OwnerLabels {
    pub name: &'static str,
    pub namespace: &'static str,
}

/// Whose object it is, by its labels.
pub type Owner = Key;

/// A managed object was seen in a new state, or is gone.
#[derive(Debug, Clone)]
pub struct Moved {
    pub owner: Owner,
    pub object: ObjectRef,
    /// Only its status changed, or some bookkeeping: it stands where it stood, but may be healthier.
    pub status_only: bool,
    /// The field manager that wrote it last; empty when it is gone.
    pub manager: String,
}

/// Whether an object stayed as somebody left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its kind is not watched, or not yet listed: nothing can be said.
    Unknown,
    /// It moved since, or is gone.
    Moved,
    /// Nothing was heard of it since.
    Unmoved,
}

/// Metadata watches on everything that carries our owner labels, one per kind, as ourselves.
///
/// They only trigger: what is judged is read as the tenant.
pub struct Moves {
    client: Client,
    labels: OwnerLabels,
    kinds: Mutex<BTreeMap<ManagedKind, Arc<KindWatch>>>,
    moved: broadcast::Sender<Moved>,
}

#[derive(Default)]
struct KindWatch(Mutex<State>, Refreshed);

/// When the last [`Moves::refresh`] began. Held while one is under way, so that whoever comes meanwhile shares the next.
type Refreshed = tokio::sync::Mutex<Option<Instant>>;

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

impl Moves {
    pub fn new(client: Client, labels: OwnerLabels) -> Arc<Self> {
        let (moved, _) = broadcast::channel(16384);
        Arc::new(Self {
            client,
            labels,
            kinds: Mutex::default(),
            moved,
        })
    }

    /// Every move from now on. A reader that lags is told so, and must look at [`Moves::seen`].
    pub fn subscribe(&self) -> broadcast::Receiver<Moved> {
        self.moved.subscribe()
    }

    /// Sees to it that objects of `kind` are watched.
    pub fn watch(self: &Arc<Self>, kind: &ManagedKind) {
        let mut kinds = lock(&self.kinds);
        if kinds.contains_key(kind) {
            return;
        }
        let watch = Arc::new(KindWatch::default());
        kinds.insert(kind.clone(), Arc::clone(&watch));
        drop(kinds);
        let moves = Arc::clone(self);
        let kind = kind.clone();
        tokio::spawn(async move { moves.follow(&kind, &watch).await });
    }

    /// Whether an object of a watched kind stayed as a write left it that gave `resource_version`.
    pub fn seen(&self, kind: &ManagedKind, key: &Key, resource_version: &str) -> Seen {
        let Some(watch) = lock(&self.kinds).get(kind).cloned() else {
            return Seen::Unknown;
        };
        let state = lock(&watch.0);
        let written: u64 = resource_version.parse().unwrap_or(0);
        match state.objects.as_ref().map(|objects| objects.get(key)) {
            None => Seen::Unknown,
            Some(Some(object)) if object.moved_at > written => Seen::Moved,
            // Gone. What is newer than all that the watch told was written since.
            Some(None) if written <= state.heard => Seen::Moved,
            Some(_) => Seen::Unmoved,
        }
    }

    /// Whether the newest that was heard of an object is this resource version.
    pub fn is_at(&self, kind: &ManagedKind, key: &Key, resource_version: &str) -> bool {
        let Some(watch) = lock(&self.kinds).get(kind).cloned() else {
            return false;
        };
        let state = lock(&watch.0);
        let object = state.objects.as_ref().and_then(|objects| objects.get(key));
        object.is_some_and(|object| resource_version.parse() == Ok(object.now.resource_version()))
    }

    /// Sees to it that what [`Moves::seen`] says of `kind` afterwards is not older than `since`, unless somebody did
    /// since then: one small read brings the API server's own watch cache up to now, and what it learned so gets the
    /// time to arrive. One request serves all who wait for it, whatever the number of owners and objects. Does nothing
    /// for kinds that are not watched.
    pub async fn refresh(&self, kind: &ManagedKind, since: Instant) -> Result<(), kube::Error> {
        let Some(watch) = lock(&self.kinds).get(kind).cloned() else {
            return Ok(());
        };
        let mut refreshed = watch.1.lock().await;
        if refreshed.is_some_and(|began| began >= since) || lock(&watch.0).objects.is_none() {
            return Ok(());
        }
        let began = Instant::now();
        let api: Api<Metadata> = Api::all_with(self.client.clone(), &kind.resource());
        api.list(&ListParams::default().limit(1)).await?;
        tokio::time::sleep(ARRIVAL).await;
        *refreshed = Some(began);
        Ok(())
    }

    async fn follow(&self, kind: &ManagedKind, watch: &KindWatch) {
        let api: Api<Metadata> = Api::all_with(self.client.clone(), &kind.resource());
        let config = watcher::Config::default().labels(self.labels.name);
        let mut events = watcher(api, config).boxed();
        let mut listed = BTreeMap::new();
        let mut patience = Patience::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Init) => listed.clear(),
                Ok(watcher::Event::InitApply(object)) => listed.extend(self.managed(&object)),
                Ok(watcher::Event::InitDone) => {
                    self.replace(kind, watch, std::mem::take(&mut listed));
                    patience = Patience::default();
                }
                Ok(watcher::Event::Apply(object)) => self.apply(kind, watch, &object),
                Ok(watcher::Event::Delete(object)) => self.delete(kind, watch, &object),
                Err(error) => {
                    // Forbidden, or the kind is gone: objects of it are read again on each interval, as Flux does.
                    lock(&watch.0).objects = None;
                    tracing::debug!(kind = kind.kind, %error, "watch of managed objects failed");
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

    fn apply(&self, kind: &ManagedKind, watch: &KindWatch, object: &Metadata) {
        let Some((key, mut managed)) = self.managed(object) else {
            return self.delete(kind, watch, object);
        };
        let mut state = lock(&watch.0);
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
        self.tell(kind, key, owner, status_only, manager);
    }

    fn delete(&self, kind: &ManagedKind, watch: &KindWatch, object: &Metadata) {
        let key = key(object);
        let mut state = lock(&watch.0);
        state.heard = state
            .heard
            .max(Fingerprint::of(&object.metadata).resource_version());
        if let Some(managed) = state
            .objects
            .as_mut()
            .and_then(|objects| objects.remove(&key))
        {
            self.tell(kind, key, managed.owner, false, String::new());
        }
    }

    fn replace(&self, kind: &ManagedKind, watch: &KindWatch, mut listed: BTreeMap<Key, Managed>) {
        let mut state = lock(&watch.0);
        let newest = listed
            .values()
            .map(|managed| managed.now.resource_version())
            .max()
            .unwrap_or(0);
        state.heard = state.heard.max(newest);
        let before = state.objects.take().unwrap_or_default();
        for (key, managed) in &before {
            if !listed.contains_key(key) {
                self.tell(
                    kind,
                    key.clone(),
                    managed.owner.clone(),
                    false,
                    String::new(),
                );
            }
        }
        for (key, managed) in &mut listed {
            match before.get(key) {
                // The watch was faster than the list.
                Some(before) if managed.now.is_older_than(&before.now) => *managed = before.clone(),
                Some(before) if before.now.is_unmoved(&managed.now) => {
                    managed.moved_at = before.moved_at;
                }
                _ => self.tell(
                    kind,
                    key.clone(),
                    managed.owner.clone(),
                    false,
                    String::new(),
                ),
            }
        }
        state.objects = Some(listed);
    }

    fn tell(&self, kind: &ManagedKind, key: Key, owner: Owner, status_only: bool, manager: String) {
        let object = ObjectRef {
            api_version: kind.api_version.clone(),
            kind: kind.kind.clone(),
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
