use crate::refusal::Refusal;
use crate::watch_backoff::WatchBackoff;
use futures::StreamExt as _;
use kube::Api;
use kube::Resource;
use kube::ResourceExt as _;
use kube::runtime::watcher;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::RwLock;
use tokio::sync::broadcast;
use tokio::sync::watch;

/// Namespace and name of an object of a known kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    pub fn of<K: Resource>(object: &K) -> Self {
        Self::new(object.namespace().unwrap_or_default(), object.name_any())
    }
}

/// `namespace/name`, as client-go prints a `NamespacedName`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A change of one object: what was known before, and what is now.
pub struct Change<K> {
    pub key: Key,
    pub old: Option<Arc<K>>,
    pub new: Option<Arc<K>>,
}

impl<K> Clone for Change<K> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            old: self.old.clone(),
            new: self.new.clone(),
        }
    }
}

/// All objects of one kind, kept up to date by a watch that every reader shares.
pub struct Watched<K> {
    objects: RwLock<BTreeMap<Key, Arc<K>>>,
    changes: broadcast::Sender<Change<K>>,
    synced: watch::Sender<bool>,
}

impl<K> Watched<K>
where
    K: Resource + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    /// Starts watching what `api` lists, narrowed by `config`. The watch ends when the last clone is dropped.
    pub fn start(api: Api<K>, config: watcher::Config) -> Arc<Self> {
        let (changes, _) = broadcast::channel(4096);
        let (synced, _) = watch::channel(false);
        let watched = Arc::new(Self {
            objects: RwLock::default(),
            changes,
            synced,
        });
        let weak = Arc::downgrade(&watched);
        let path = api.resource_url().to_owned();
        tokio::spawn(async move {
            let mut events = watcher(api, config).boxed();
            let mut listed = BTreeMap::new();
            let mut backoff = WatchBackoff::default();
            let mut refusal = Refusal::of(&path);
            while let Some(event) = events.next().await {
                let Some(watched) = weak.upgrade() else {
                    return;
                };
                if let Ok(event) = &event
                    && is_success(event)
                {
                    refusal.succeeded();
                    backoff.succeeded();
                }
                match event {
                    Ok(watcher::Event::Init) => listed.clear(),
                    Ok(watcher::Event::InitApply(object)) => {
                        listed.insert(Key::of(&object), slim(object));
                    }
                    Ok(watcher::Event::InitDone) => {
                        watched.replace(std::mem::take(&mut listed));
                        watched.synced.send_replace(true);
                    }
                    Ok(watcher::Event::Apply(object)) => watched.put(slim(object)),
                    Ok(watcher::Event::Delete(object)) => watched.remove(&Key::of(&object)),
                    Err(error) => {
                        // A kind that is not installed (yet), or a server that restarts, is nothing to tell.
                        if !refusal.failed(&error) {
                            tracing::debug!(path, %error, "watch failed, trying again");
                        }
                        backoff.wait().await;
                    }
                }
            }
        });
        watched
    }

    /// The newest known state of an object.
    pub fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.read().get(key).cloned()
    }

    /// Every object, ordered by namespace and name.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.read().values().cloned().collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a complete list has arrived.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Every change from now on. A reader that lags behind by thousands is told so and must look at [`Watched::all`].
    pub fn subscribe(&self) -> broadcast::Receiver<Change<K>> {
        self.changes.subscribe()
    }

    /// Waits until the first complete list has arrived.
    pub async fn wait_until_synced(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Takes in what the API server just sent back after a write of ours, so that the next reader does not see the
    /// state of before the write. An object that the watch has not told of, or told to be gone, stays out.
    pub fn absorb(&self, object: &Arc<K>) {
        let known = self.get(&Key::of(&**object));
        if known.is_some_and(|known| known.meta().uid == object.meta().uid) {
            self.put(slim(K::clone(object)));
        }
    }

    /// Older states than the known one are dropped.
    fn put(&self, object: Arc<K>) {
        let key = Key::of(&*object);
        let mut objects = self
            .objects
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let old = objects.get(&key).cloned();
        if let Some(old) = &old
            && old.meta().uid == object.meta().uid
            && version(&**old) >= version(&*object)
        {
            return;
        }
        objects.insert(key.clone(), Arc::clone(&object));
        drop(objects);
        // No receiver is no error.
        let _ = self.changes.send(Change {
            key,
            old,
            new: Some(object),
        });
    }

    /// Forgets an object, as after a write that told us it is gone.
    pub fn remove(&self, key: &Key) {
        let old = self
            .objects
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(key);
        if old.is_some() {
            let _ = self.changes.send(Change {
                key: key.clone(),
                old,
                new: None,
            });
        }
    }

    fn replace(&self, listed: BTreeMap<Key, Arc<K>>) {
        let gone: Vec<Key> = self
            .read()
            .keys()
            .filter(|key| !listed.contains_key(*key))
            .cloned()
            .collect();
        for key in gone {
            self.remove(&key);
        }
        for object in listed.into_values() {
            self.put(object);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Key, Arc<K>>> {
        self.objects
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether the API server gave what was asked for: a list that begins may still fail.
pub(crate) fn is_success<K>(event: &watcher::Event<K>) -> bool {
    !matches!(event, watcher::Event::Init | watcher::Event::InitApply(_))
}

/// Leaves out what nobody reads: managed fields are often half of an object.
fn slim<K: Resource>(mut object: K) -> Arc<K> {
    object.meta_mut().managed_fields = None;
    Arc::new(object)
}

/// Resource versions are decimal numbers that grow (KEP-5504); 0 for what is none.
fn version<K: Resource>(object: &K) -> u64 {
    object
        .meta()
        .resource_version
        .as_deref()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
