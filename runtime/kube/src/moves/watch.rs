use super::ManagedKind;
use super::Moved;
use super::OwnerLabels;
use super::Seen;
use super::known::Known;
use super::known::Metadata;
use super::lock;
use crate::Key;
use crate::Scope;
use crate::opened::telling;
use crate::refusal::Refusal;
use crate::watch_backoff::WatchBackoff;
use crate::watched::is_success;
use futures::StreamExt as _;
use kube::Api;
use kube::Client;
use kube::api::ListParams;
use kube::runtime::watcher;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::Weak;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::sync::broadcast;

/// How long an event takes at most from the API server's watch cache to us, as a rule: both ends are awake.
const ARRIVAL: Duration = Duration::from_millis(20);

/// What is heard of the managed objects of one kind, in all namespaces or in one.
pub(super) struct Watch {
    api: Api<Metadata>,
    moved: broadcast::Sender<Moved>,
    known: Mutex<Known>,
    refusal: Mutex<Refusal>,
    /// When the last [`Watch::refresh`] began. Held while one is under way, so that whoever comes meanwhile shares the
    /// next.
    refreshed: tokio::sync::Mutex<Option<Instant>>,
    /// There is a reason to try again before the delay is over.
    retried: Notify,
}

impl Watch {
    pub(super) fn new(
        client: Client,
        scope: &Scope,
        kind: ManagedKind,
        labels: OwnerLabels,
        moved: broadcast::Sender<Moved>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| {
            let this = Weak::clone(this);
            let opened = move |since| {
                if let Some(this) = this.upgrade() {
                    lock(&this.known).opened(since, Instant::now());
                    lock(&this.refusal).succeeded();
                }
            };
            let api: Api<Metadata> = scope.api_with(telling(client, opened), &kind.resource());
            Self {
                refusal: Mutex::new(Refusal::of(api.resource_url())),
                api,
                moved,
                known: Mutex::new(Known::new(kind, labels)),
                refreshed: tokio::sync::Mutex::default(),
                retried: Notify::new(),
            }
        })
    }

    /// See [`super::Moves::seen`].
    pub(super) fn seen(&self, key: &Key, resource_version: &str) -> Seen {
        lock(&self.known).seen(key, resource_version, Instant::now())
    }

    /// See [`super::Moves::is_at`].
    pub(super) fn is_at(&self, key: &Key, resource_version: &str) -> bool {
        lock(&self.known).is_at(key, resource_version, Instant::now())
    }

    /// See [`super::Moves::refresh`].
    pub(super) async fn refresh(&self, since: Instant) -> Result<(), kube::Error> {
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_some_and(|began| began >= since) || !lock(&self.known).is_listed() {
            return Ok(());
        }
        let began = Instant::now();
        self.api.list(&ListParams::default().limit(1)).await?;
        tokio::time::sleep(ARRIVAL).await;
        *refreshed = Some(began);
        Ok(())
    }

    /// A watch that failed tries again at once. One that may be failing just now does so without its first delay.
    pub(super) fn retry(&self) {
        self.retried.notify_one();
    }

    /// Watches the objects that `selector` chooses, until it is dropped.
    pub(super) async fn follow(&self, selector: &str) {
        let config = watcher::Config::default().labels(selector);
        let mut events = watcher(self.api.clone(), config).boxed();
        let mut backoff = WatchBackoff::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    if is_success(&event) {
                        lock(&self.refusal).succeeded();
                        backoff.succeeded();
                    }
                    let news = lock(&self.known).take(event, Instant::now());
                    for moved in news {
                        // No receiver is no error.
                        let _ = self.moved.send(moved);
                    }
                }
                Err(error) => {
                    // What can't be told from here on is read again on each interval, as Flux does.
                    lock(&self.known).lost();
                    if !lock(&self.refusal).failed(&error) {
                        let path = self.api.resource_url();
                        tracing::debug!(path, %error, "watch of managed objects failed");
                    }
                    tokio::select! {
                        () = backoff.wait() => {}
                        () = self.retried.notified() => backoff.succeeded(),
                    }
                }
            }
        }
    }
}
