mod known;
#[cfg(test)]
mod tests;
mod watch;

use crate::Key;
use crate::Scope;
use crate::watch_backoff::WatchBackoff;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReviewSpec;
use kube::Api;
use kube::Client;
use kube::api::PostParams;
use kube::core::ApiResource;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;
use tidegate_values::ObjectRef;
use tokio::sync::OnceCell;
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use watch::Watch;

/// A kind of managed objects, as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManagedKind {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
}

impl ManagedKind {
    /// Whether the definition of this name, `<plural>.<group>`, is its own.
    fn is_of(&self, definition: &str) -> bool {
        let group = self.api_version.split_once('/').map(|(group, _)| group);
        let defined = definition.split_once('.');
        defined.is_some_and(|(plural, of)| plural == self.plural && Some(of) == group)
    }

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
    /// By the labels that it has, or had when it went.
    pub owner: Owner,
    /// By labels that it had before. Whoever applied it wants to know, when there is no such owner as its labels name.
    pub former: Vec<Owner>,
    pub object: ObjectRef,
    /// Nothing that calls for a repair. Only its status changed, or some bookkeeping: it stands where it stood, but may be
    /// healthier. Or it is on its way out: what is written to it goes with it, and that it is gone is told when it is.
    pub is_idle: bool,
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

/// Objects of a kind, in a namespace; it is empty for those that are in none.
pub type Place = (ManagedKind, String);

/// Metadata watches on everything that carries our owner labels, one per kind, as ourselves. Where the owners are in one
/// namespace only, and we may not watch a kind everywhere, it is one per kind and namespace. It ends when no owner needs
/// it any more.
///
/// They only trigger: what is judged is read as the tenant.
pub struct Moves {
    client: Client,
    labels: OwnerLabels,
    /// Where the owners are.
    owners: Scope,
    needs: Mutex<Needs>,
    kinds: Mutex<BTreeMap<ManagedKind, Arc<Watches>>>,
    moved: broadcast::Sender<Moved>,
}

/// Which owner needs which places watched.
#[derive(Default)]
struct Needs {
    places: BTreeMap<Owner, BTreeSet<Place>>,
    /// How many owners need a place.
    owners: BTreeMap<Place, usize>,
}

impl Needs {
    /// Enters all that an owner needs. Returns the places that nobody needed before, and those that nobody does now.
    fn set(&mut self, owner: &Owner, places: BTreeSet<Place>) -> (Vec<Place>, Vec<Place>) {
        let before = self.places.remove(owner).unwrap_or_default();
        let (mut begun, mut ended) = (Vec::new(), Vec::new());
        for place in places.difference(&before) {
            let owners = self.owners.entry(place.clone()).or_default();
            *owners += 1;
            if *owners == 1 {
                begun.push(place.clone());
            }
        }
        for place in before.difference(&places) {
            if let Some(owners) = self.owners.get_mut(place) {
                *owners -= 1;
                if *owners == 0 {
                    self.owners.remove(place);
                    ended.push(place.clone());
                }
            }
        }
        if !places.is_empty() {
            self.places.insert(owner.clone(), places);
        }
        (begun, ended)
    }
}

/// The watches of a kind.
#[derive(Default)]
struct Watches {
    /// Whether one watch sees the objects of all namespaces.
    everywhere: OnceCell<bool>,
    state: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    /// The namespaces that somebody needs.
    wanted: BTreeSet<String>,
    watches: BTreeMap<Scope, (Arc<Watch>, AbortHandle)>,
}

impl Watches {
    /// The watch that sees the objects of a namespace.
    fn of(&self, namespace: &str) -> Option<Arc<Watch>> {
        let state = lock(&self.state);
        let found = state.watches.get(&Scope::All).or_else(|| {
            let scope = Scope::Namespace(namespace.to_owned());
            state.watches.get(&scope)
        });
        found.map(|(watch, _)| Arc::clone(watch))
    }

    fn is_wanted(&self, namespace: &str) -> bool {
        lock(&self.state).wanted.contains(namespace)
    }

    /// Nobody needs the namespace any more. True when nobody needs any.
    fn end(&self, namespace: &str) -> bool {
        let mut state = lock(&self.state);
        state.wanted.remove(namespace);
        let is_over = state.wanted.is_empty();
        state.watches.retain(|scope, (_, following)| {
            let goes_on = !is_over && *scope != Scope::Namespace(namespace.to_owned());
            if !goes_on {
                following.abort();
            }
            goes_on
        });
        is_over
    }
}

impl Moves {
    pub fn new(client: Client, labels: OwnerLabels, owners: Scope) -> Arc<Self> {
        let (moved, _) = broadcast::channel(16384);
        Arc::new(Self {
            client,
            labels,
            owners,
            needs: Mutex::default(),
            kinds: Mutex::default(),
            moved,
        })
    }

    /// Every move from now on. A reader that lags is told so, and must look at [`Moves::seen`].
    pub fn subscribe(&self) -> broadcast::Receiver<Moved> {
        self.moved.subscribe()
    }

    /// Sees to it that the places where an owner has objects are watched, these and no others. An owner that is gone has
    /// none.
    pub fn watch(self: &Arc<Self>, owner: &Owner, places: BTreeSet<Place>) {
        // Held until all is begun and ended, or the watch of a place that another owner needs by now might be ended.
        let mut needs = lock(&self.needs);
        let (begun, ended) = needs.set(owner, places);
        for (kind, namespace) in ended {
            let mut kinds = lock(&self.kinds);
            if kinds
                .get(&kind)
                .is_some_and(|watches| watches.end(&namespace))
            {
                kinds.remove(&kind);
            }
        }
        for (kind, namespace) in begun {
            self.begin(kind, namespace);
        }
    }

    fn begin(self: &Arc<Self>, kind: ManagedKind, namespace: String) {
        let watches = Arc::clone(lock(&self.kinds).entry(kind.clone()).or_default());
        lock(&watches.state).wanted.insert(namespace.clone());
        if watches.of(&namespace).is_some() {
            return;
        }
        let moves = Arc::clone(self);
        tokio::spawn(async move {
            let mut backoff = WatchBackoff::default();
            while watches.is_wanted(&namespace) {
                let ask = || moves.may_watch_everywhere(&kind);
                match watches.everywhere.get_or_try_init(ask).await {
                    Ok(everywhere) => return moves.start(kind, &watches, namespace, *everywhere),
                    Err(error) => {
                        tracing::debug!(kind = kind.kind, %error, "failed to ask for the right to watch everywhere");
                        backoff.wait().await;
                    }
                }
            }
        });
    }

    /// Whether one watch for all namespaces is possible. With owners in one namespace the account may have no right to
    /// it; that is asked for, so that no request is refused.
    async fn may_watch_everywhere(&self, kind: &ManagedKind) -> Result<bool, kube::Error> {
        if self.owners == Scope::All {
            return Ok(true);
        }
        let resource = kind.resource();
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    group: Some(resource.group),
                    version: Some(resource.version),
                    resource: Some(resource.plural),
                    verb: Some("watch".to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let review = reviews.create(&PostParams::default(), &review).await?;
        Ok(review.status.is_some_and(|status| status.allowed))
    }

    fn start(&self, kind: ManagedKind, watches: &Watches, namespace: String, everywhere: bool) {
        let mut state = lock(&watches.state);
        // Whoever needed it may be gone by now.
        if !state.wanted.contains(&namespace) {
            return;
        }
        let scope = if everywhere || namespace.is_empty() {
            Scope::All
        } else {
            Scope::Namespace(namespace)
        };
        if state.watches.contains_key(&scope) {
            return;
        }
        let client = self.client.clone();
        let watch = Watch::new(client, &scope, kind, self.labels, self.moved.clone());
        let selector = match &self.owners {
            Scope::All => self.labels.name.to_owned(),
            // Others may have owners elsewhere.
            Scope::Namespace(namespace) => {
                let OwnerLabels {
                    name,
                    namespace: of,
                } = self.labels;
                format!("{name},{of}={namespace}")
            }
        };
        let follower = Arc::clone(&watch);
        let following = tokio::spawn(async move { follower.follow(&selector).await });
        state
            .watches
            .insert(scope, (watch, following.abort_handle()));
    }

    /// A definition was applied, `<plural>.<group>` by name: watches of its kinds that failed try again at once.
    pub fn retry(&self, definition: &str) {
        let kinds = lock(&self.kinds);
        for (_, watches) in kinds.iter().filter(|(kind, _)| kind.is_of(definition)) {
            for (watch, _) in lock(&watches.state).watches.values() {
                watch.retry();
            }
        }
    }

    /// Whether an object of a watched kind stayed as a write left it that gave `resource_version`.
    pub fn seen(&self, kind: &ManagedKind, key: &Key, resource_version: &str) -> Seen {
        self.watch_of(kind, &key.namespace)
            .map_or(Seen::Unknown, |watch| watch.seen(key, resource_version))
    }

    /// Whether the newest that was heard of an object is this resource version.
    pub fn is_at(&self, kind: &ManagedKind, key: &Key, resource_version: &str) -> bool {
        self.watch_of(kind, &key.namespace)
            .is_some_and(|watch| watch.is_at(key, resource_version))
    }

    /// Sees to it that what [`Moves::seen`] says of `kind` in a namespace afterwards is not older than `since`, unless
    /// somebody did since then: one small read brings the API server's own watch cache up to now, and what it learned so
    /// gets the time to arrive. One request serves all who wait for it, whatever the number of owners and objects. Does
    /// nothing for what is not watched.
    pub async fn refresh(
        &self,
        kind: &ManagedKind,
        namespace: &str,
        since: Instant,
    ) -> Result<(), kube::Error> {
        match self.watch_of(kind, namespace) {
            Some(watch) => watch.refresh(since).await,
            None => Ok(()),
        }
    }

    fn watch_of(&self, kind: &ManagedKind, namespace: &str) -> Option<Arc<Watch>> {
        let watches = lock(&self.kinds).get(kind).cloned()?;
        watches.of(namespace)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
