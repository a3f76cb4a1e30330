use crate::Fingerprint;
use crate::Key;
use futures::StreamExt as _;
use kube::Api;
use kube::Client;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::api::ListParams;
use kube::core::ApiResource;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tidegate_values::ObjectRef;
use tokio::sync::broadcast;

type Metadata = PartialObjectMeta<DynamicObject>;

/// A kind of managed objects, as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManagedKind {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
}

impl ManagedKind {
    fn resource(&self) -> ApiResource {
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", &self.api_version));
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

/// A managed object was seen in a new state: `now` is `None` when it is gone.
#[derive(Debug, Clone)]
pub struct Moved {
    pub owner: Owner,
    pub object: ObjectRef,
    pub now: Option<Fingerprint>,
}

/// What the watches know of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its kind is not watched, or not yet listed: nothing can be said.
    Unknown,
    /// There is no such object with our labels.
    Gone,
    At(Fingerprint),
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

struct KindWatch {
    /// `None` until the first list is complete, and while the kind can't be watched.
    objects: Mutex<Option<BTreeMap<Key, (Owner, Fingerprint)>>>,
}

impl Moves {
    pub fn new(client: Client, labels: OwnerLabels) -> Arc<Self> {
        let (moved, _) = broadcast::channel(16384);
        Arc::new(Self { client, labels, kinds: Mutex::default(), moved })
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
        let watch = Arc::new(KindWatch { objects: Mutex::new(None) });
        kinds.insert(kind.clone(), Arc::clone(&watch));
        drop(kinds);
        let moves = Arc::clone(self);
        let kind = kind.clone();
        tokio::spawn(async move { moves.follow(&kind, &watch).await });
    }

    /// What is known of an object of a watched kind.
    pub fn seen(&self, kind: &ManagedKind, key: &Key) -> Seen {
        let Some(watch) = lock(&self.kinds).get(kind).cloned() else {
            return Seen::Unknown;
        };
        let objects = lock(&watch.objects);
        match &*objects {
            None => Seen::Unknown,
            Some(objects) => objects.get(key).map_or(Seen::Gone, |(_, fingerprint)| Seen::At(*fingerprint)),
        }
    }

    /// Asks the API server for the newest state of every object of `kind` at once, so that what [`Moves::seen`] says
    /// afterwards is not older than this call. One request, whatever the number of owners.
    pub async fn refresh(&self, kind: &ManagedKind) -> Result<(), kube::Error> {
        let Some(watch) = lock(&self.kinds).get(kind).cloned() else {
            return Ok(());
        };
        let api: Api<Metadata> = Api::all_with(self.client.clone(), &kind.resource());
        let list = api.list(&ListParams::default().labels(self.labels.name)).await?;
        let mut listed = BTreeMap::new();
        for object in list.items {
            if let Some(owner) = self.owner(&object) {
                listed.insert(key(&object), (owner, Fingerprint::of(&object.metadata)));
            }
        }
        self.replace(kind, &watch, listed);
        Ok(())
    }

    async fn follow(&self, kind: &ManagedKind, watch: &KindWatch) {
        let api: Api<Metadata> = Api::all_with(self.client.clone(), &kind.resource());
        let config = watcher::Config::default().labels(self.labels.name);
        let mut events = watcher(api, config).default_backoff().boxed();
        let mut listed = BTreeMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Init) => listed.clear(),
                Ok(watcher::Event::InitApply(object)) => {
                    if let Some(owner) = self.owner(&object) {
                        listed.insert(key(&object), (owner, Fingerprint::of(&object.metadata)));
                    }
                }
                Ok(watcher::Event::InitDone) => self.replace(kind, watch, std::mem::take(&mut listed)),
                Ok(watcher::Event::Apply(object)) => self.apply(kind, watch, &object),
                Ok(watcher::Event::Delete(object)) => self.delete(kind, watch, &key(&object)),
                Err(error) => {
                    // Forbidden, or the kind is gone: objects of it are read again on each interval, as Flux does.
                    *lock(&watch.objects) = None;
                    tracing::debug!(kind = kind.kind, %error, "watch of managed objects failed");
                }
            }
        }
    }

    fn owner(&self, object: &Metadata) -> Option<Owner> {
        let labels = object.metadata.labels.as_ref()?;
        Some(Key::new(labels.get(self.labels.namespace)?, labels.get(self.labels.name)?))
    }

    fn apply(&self, kind: &ManagedKind, watch: &KindWatch, object: &Metadata) {
        let key = key(object);
        let Some(owner) = self.owner(object) else {
            return self.delete(kind, watch, &key);
        };
        let now = Fingerprint::of(&object.metadata);
        let mut objects = lock(&watch.objects);
        let Some(objects) = &mut *objects else { return };
        let before = objects.insert(key.clone(), (owner.clone(), now));
        if before.is_none_or(|(_, before)| !before.is_unmoved(&now)) {
            self.tell(kind, key, owner, Some(now));
        }
    }

    fn delete(&self, kind: &ManagedKind, watch: &KindWatch, key: &Key) {
        let mut objects = lock(&watch.objects);
        if let Some((owner, _)) = objects.as_mut().and_then(|objects| objects.remove(key)) {
            self.tell(kind, key.clone(), owner, None);
        }
    }

    fn replace(&self, kind: &ManagedKind, watch: &KindWatch, listed: BTreeMap<Key, (Owner, Fingerprint)>) {
        let mut objects = lock(&watch.objects);
        let before = objects.take().unwrap_or_default();
        for (key, (owner, _)) in &before {
            if !listed.contains_key(key) {
                self.tell(kind, key.clone(), owner.clone(), None);
            }
        }
        for (key, (owner, now)) in &listed {
            if before.get(key).is_none_or(|(_, before)| !before.is_unmoved(now)) {
                self.tell(kind, key.clone(), owner.clone(), Some(*now));
            }
        }
        *objects = Some(listed);
    }

    fn tell(&self, kind: &ManagedKind, key: Key, owner: Owner, now: Option<Fingerprint>) {
        let object = ObjectRef {
            api_version: kind.api_version.clone(),
            kind: kind.kind.clone(),
            namespace: key.namespace,
            name: key.name,
        };
        // No receiver is no error.
        let _ = self.moved.send(Moved { owner, object, now });
    }
}

fn key(object: &Metadata) -> Key {
    Key::new(object.namespace().unwrap_or_default(), object.name_any())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
