use crate::body::body_of;
use crate::delivery::Delivery;
use crate::delivery::Retries;
use jiff::Timestamp;
use std::fmt;
use tidegate_values::Event;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use url::Url;

/// So many events may wait for the receiver; further ones are dropped.
const WAITING: usize = 1000;

/// Where events are posted: an HTTP URL. Never shown in full, it may hold a token.
#[derive(Clone)]
pub struct Address(Url);

/// The value of `--events-addr` is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("not a URL: {0}")]
    NoUrl(String),
    #[error("an http or https URL is wanted")]
    NoHttp,
    #[error("no HTTP client: {0}")]
    Client(String),
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|error| AddressError::NoUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::NoHttp);
        }
        Ok(Self(url))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://…", self.0.scheme())
    }
}

/// One event with what receivers are told beside it.
#[derive(Debug, Clone)]
pub struct Posted {
    /// Flux's name of the controller that the event comes from.
    pub controller: String,
    /// Of the object that the event is about.
    pub uid: String,
    pub resource_version: String,
    pub event: Event,
    pub at: Timestamp,
}

/// Posts events in the background, in their order. Clones share the queue.
#[derive(Debug, Clone)]
pub struct Poster {
    queue: mpsc::Sender<Job>,
}

#[derive(Debug)]
enum Job {
    Post(Box<Posted>),
    Flush(oneshot::Sender<()>),
}

impl Poster {
    /// Starts to post to `address`, as the instance of this name (Flux: the host's name).
    pub fn start(
        address: Address,
        instance: String,
        retries: Retries,
    ) -> Result<Self, AddressError> {
        let client = reqwest::Client::builder()
            .timeout(retries.timeout)
            .build()
            .map_err(|error| AddressError::Client(error.to_string()))?;
        let mut delivery = Delivery::new(client, address.0, retries);
        let (queue, mut jobs) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(job) = jobs.recv().await {
                match job {
                    Job::Post(posted) => post(&mut delivery, &posted, &instance).await,
                    Job::Flush(done) => drop(done.send(())),
                }
            }
        });
        Ok(Self { queue })
    }

    /// Has an event posted. Never waits: with a full queue it is dropped, which the log tells.
    pub fn post(&self, posted: Posted) {
        if let Err(mpsc::error::TrySendError::Full(Job::Post(posted))) =
            self.queue.try_send(Job::Post(Box::new(posted)))
        {
            tracing::error!(
                object = %posted.event.object,
                "an event was dropped: {WAITING} wait for the receiver already"
            );
        }
    }

    /// Waits until everything posted so far was sent or given up.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Job::Flush(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

async fn post(delivery: &mut Delivery, posted: &Posted, instance: &str) {
    let Some(body) = body_of(posted, instance) else {
        return;
    };
    if let Err(error) = delivery.send(&body.to_string()).await {
        tracing::error!(error, object = %posted.event.object, "unable to record event");
    }
}
