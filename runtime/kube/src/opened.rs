use crate::limits::is_watch;
use http::Request;
use kube::Client;
use kube::client::Body;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use tower::Service;

/// A client that calls `opened` whenever the API server takes up a watch. kube's watcher does so again and again by
/// itself, and tells only of failures and of what happens.
pub(crate) fn telling(client: Client, opened: impl Fn() + Send + Sync + 'static) -> Client {
    let namespace = client.default_namespace().to_owned();
    Client::new(
        Telling {
            inner: client,
            opened: Arc::new(opened),
        },
        namespace,
    )
}

#[derive(Clone)]
struct Telling {
    inner: Client,
    opened: Arc<dyn Fn() + Send + Sync>,
}

impl Service<Request<Body>> for Telling {
    type Response = http::Response<Body>;
    type Error = kube::Error;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { inner, opened } = self.clone();
        Box::pin(async move {
            let is_watch = is_watch(&request);
            let answer = inner.send(request).await?;
            if is_watch && answer.status().is_success() {
                opened();
            }
            Ok(answer)
        })
    }
}
