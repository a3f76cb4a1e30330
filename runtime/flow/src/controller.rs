use crate::Announcer;
use crate::Flow;
use crate::Kind;
use crate::Observe;
use crate::Options;
use crate::Pending;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::Client;
use kube::Resource as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What the kinds of a role work with: they have it in common.
#[derive(Clone)]
pub struct Setup {
    pub client: Client,
    pub announcer: Announcer,
    pub observer: Arc<dyn Observe>,
    pub options: Options,
    /// Turns true when the process is to end.
    pub stop: watch::Receiver<bool>,
    /// How long reconciles under way may go on then.
    pub grace: Duration,
}

/// A kind that is watched already, with its queue, which is worked on when its role leads. It hides the types of the
/// kind, so that a role has a list of these.
pub struct Controller {
    kind: String,
    listed: Box<dyn Fn() -> BoxFuture<'static, ()> + Send>,
    run: Box<dyn FnOnce(Setup) -> BoxFuture<'static, ()> + Send>,
}

impl Controller {
    /// `flow` and `pending` are the two ends of one queue ([`Flow::new`]).
    pub fn new<K: Kind>(flow: Flow<K>, pending: Pending, kind: Arc<K>) -> Self {
        let watched = flow.watched();
        Self {
            kind: K::Object::kind(&()).into_owned(),
            listed: Box::new(move || {
                let watched = Arc::clone(&watched);
                async move { watched.wait_until_synced().await }.boxed()
            }),
            run: Box::new(|setup| flow.run(pending, kind, setup).boxed()),
        }
    }

    /// The kind of the objects.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Ends when all objects are known for the first time, whether they are worked on or not.
    pub fn listed(&self) -> BoxFuture<'static, ()> {
        (self.listed)()
    }

    /// Works on the queue until told to stop, then lets reconciles under way end.
    pub async fn run(self, setup: Setup) {
        (self.run)(setup).await;
    }
}
