//! A receiver of the events that `--events-addr` has posted.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::Error;

/// Keeps what is posted to it. Ends when dropped.
#[derive(Debug)]
pub struct EventReceiver {
    address: SocketAddr,
    heard: Arc<Heard>,
    runtime: Option<Runtime>,
}

#[derive(Debug, Default)]
struct Heard {
    events: Mutex<Vec<Value>>,
    silent: AtomicBool,
    unanswered: AtomicUsize,
}

impl EventReceiver {
    /// Listens on a port of loopback.
    pub fn start() -> Result<EventReceiver, Error> {
        let what = || Error::io("the event receiver");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("event-receiver")
            .enable_all()
            .build()
            .map_err(what())?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .map_err(what())?;
        let address = listener.local_addr().map_err(what())?;
        let heard = Arc::new(Heard::default());
        let router = axum::Router::new()
            .fallback(hear)
            .with_state(Arc::clone(&heard));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(EventReceiver {
            address,
            heard,
            runtime: Some(runtime),
        })
    }

    /// What to give as `--events-addr`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// While it is silent, it takes requests and never answers them; what they hold is not kept.
    pub fn set_silent(&self, silent: bool) {
        self.heard.silent.store(silent, Ordering::Relaxed);
    }

    /// How many requests were left without an answer.
    pub fn unanswered(&self) -> usize {
        self.heard.unanswered.load(Ordering::Relaxed)
    }

    /// The bodies that were posted, in the order of their coming.
    pub fn events(&self) -> Vec<Value> {
        self.heard
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for EventReceiver {
    fn drop(&mut self) {
        // In the background: a runtime may not be awaited where a test's own runtime drops it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn hear(State(heard): State<Arc<Heard>>, body: Bytes) -> StatusCode {
    if heard.silent.load(Ordering::Relaxed) {
        heard.unanswered.fetch_add(1, Ordering::Relaxed);
        return std::future::pending().await;
    }
    match serde_json::from_slice(&body) {
        Ok(event) => {
            heard
                .events
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(event);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
