//! The listeners: metrics, health and artifacts.

use crate::metrics::FORMAT;
use crate::metrics::Metrics;
use anyhow::Context as _;
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Binds `address` as Go does: without a host it is every address of this machine.
pub(crate) async fn bind(flag: &str, address: &str) -> anyhow::Result<TcpListener> {
    let full = if address.starts_with(':') {
        format!("[::]{address}")
    } else {
        address.to_owned()
    };
    match TcpListener::bind(&full).await {
        Ok(listener) => Ok(listener),
        // A machine without IPv6.
        Err(_) if address.starts_with(':') => TcpListener::bind(format!("0.0.0.0{address}"))
            .await
            .with_context(|| format!("--{flag}: cannot listen on `{address}`")),
        Err(error) => Err(error).with_context(|| format!("--{flag}: cannot listen on `{address}`")),
    }
}

/// `/metrics`.
pub(crate) fn metrics(metrics: Arc<Metrics>) -> Router {
    Router::new().route(
        "/metrics",
        get(move || async move { ([(CONTENT_TYPE, FORMAT)], metrics.text()) }),
    )
}

/// `/healthz` answers as long as the process does; `/readyz` once the first lists are there.
pub(crate) fn health(ready: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route(
            "/readyz",
            get(move || {
                let ready = *ready.borrow();
                async move {
                    if ready {
                        (StatusCode::OK, "ok")
                    } else {
                        (StatusCode::SERVICE_UNAVAILABLE, "starting")
                    }
                }
            }),
        )
}

/// Serves until `stop` turns true.
pub(crate) fn spawn(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let until = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, router)
            .with_graceful_shutdown(until)
            .await
        {
            tracing::error!(%error, "listener failed");
        }
    });
}
