use crate::limits::is_watch;
use http::Request;
use kube::Client;
use kube::client::Body;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use tower::Service;

/// A client that calls `opened` whenever the API server takes up a watch, with the resource version from where it goes on:
/// all that is older was told before. 0 when it is no number. kube's watcher takes watches up again and again by itself, and
/// tells only of failures and of what happens.
pub(crate) fn telling(client: Client, opened: impl Fn(u64) + Send + Sync + 'static) -> Client {
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
    opened: Arc<dyn Fn(u64) + Send + Sync>,
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
            let since = is_watch(&request).then(|| version_of(&request));
            let answer = inner.send(request).await?;
            if let Some(since) = since.filter(|_| answer.status().is_success()) {
                opened(since);
            }
            Ok(answer)
        })
    }
}

fn version_of(request: &Request<Body>) -> u64 {
    let query = request.uri().query().unwrap_or_default();
    let version = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("resourceVersion="));
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}
