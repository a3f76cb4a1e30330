mod watch;

use crate::Key;
use crate::Scope;
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
use watch::Watch;

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

/// Metadata watches on everything that carries our owner labels, one per kind, as ourselves. Where the owners are in one
/// namespace only, and we may not watch a kind everywhere, it is one per kind and namespace.
///
/// They only trigger: what is judged is read as the tenant.
pub struct Moves {
    client: Client,
    labels: OwnerLabels,
    /// Where the owners are.
    owners: Scope,
    kinds: Mutex<BTreeMap<ManagedKind, Arc<Watches>>>,
    moved: broadcast::Sender<Moved>,
}

/// The watches of a kind.
#[derive(Default)]
struct Watches {
    /// Whether one watch sees the objects of all namespaces.
    everywhere: OnceCell<bool>,
    /// The namespaces that were asked for.
    wanted: Mutex<BTreeSet<String>>,
    running: Mutex<BTreeMap<Scope, Arc<Watch>>>,
}

impl Watches {
    /// The watch that sees the objects of a namespace.
    fn of(&self, namespace: &str) -> Option<Arc<Watch>> {
        let running = lock(&self.running);
        let watch = running.get(&Scope::All);
        watch
            .or_else(|| running.get(&Scope::Namespace(namespace.to_owned())))
            .cloned()
    }
}

impl Moves {
    pub fn new(client: Client, labels: OwnerLabels, owners: Scope) -> Arc<Self> {
        let (moved, _) = broadcast::channel(16384);
        Arc::new(Self {
            client,
            labels,
            owners,
            kinds: Mutex::default(),
            moved,
        })
    }

    /// Every move from now on. A reader that lags is told so, and must look at [`Moves::seen`].
    pub fn subscribe(&self) -> broadcast::Receiver<Moved> {
        self.moved.subscribe()
    }

    /// Sees to it that objects of `kind` in a namespace are watched. It is empty for objects that are in none.
    pub fn watch(self: &Arc<Self>, kind: &ManagedKind, namespace: &str) {
        let mut kinds = lock(&self.kinds);
        let watches = Arc::clone(kinds.entry(kind.clone()).or_default());
        drop(kinds);
        if watches.of(namespace).is_some() || !lock(&watches.wanted).insert(namespace.to_owned()) {
            return;
        }
        let (moves, kind, namespace) = (Arc::clone(self), kind.clone(), namespace.to_owned());
        tokio::spawn(async move {
            let everywhere = *watches
                .everywhere
                .get_or_init(|| moves.may_watch_everywhere(&kind))
                .await;
            let scope = if everywhere || namespace.is_empty() {
                Scope::All
            } else {
                Scope::Namespace(namespace)
            };
            moves.start(kind, &watches, scope);
        });
    }

    /// Whether one watch for all namespaces is possible. With owners in one namespace the account may have no right to
    /// it; that is asked for, so that no request is refused.
    async fn may_watch_everywhere(&self, kind: &ManagedKind) -> bool {
        if self.owners == Scope::All {
            return true;
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
        match reviews.create(&PostParams::default(), &review).await {
            Ok(review) => review.status.is_some_and(|status| status.allowed),
            Err(error) => {
                tracing::debug!(kind = kind.kind, %error, "failed to ask for the right to watch everywhere");
                false
            }
        }
    }

    fn start(&self, kind: ManagedKind, watches: &Watches, scope: Scope) {
        let mut running = lock(&watches.running);
        if running.contains_key(&scope) {
            return;
        }
        let api = scope.api_with(self.client.clone(), &kind.resource());
        let watch = Arc::new(Watch::new(api, kind, self.labels, self.moved.clone()));
        running.insert(scope, Arc::clone(&watch));
        drop(running);
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
        tokio::spawn(async move { watch.follow(&selector).await });
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
