use http::Request;
use http::Response;
use kube::client::Body;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use tower::Layer;
use tower::Service;

/// How many requests were sent to the API server: client-go's `rest_client_requests_total`.
#[derive(Default)]
pub struct RequestCount {
    host: String,
    counts: Mutex<BTreeMap<(String, u16), u64>>,
}

impl RequestCount {
    /// Counts requests to `host`, a name with its port.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            counts: Mutex::default(),
        }
    }

    /// Where the requests go to.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `(method, status code, requests)`; the code is 0 where no answer came.
    pub fn snapshot(&self) -> Vec<(String, u16, u64)> {
        let counts = self
            .counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        counts
            .iter()
            .map(|((method, code), count)| (method.clone(), *code, *count))
            .collect()
    }

    /// Counts a request; the code is 0 where no answer came.
    pub fn add(&self, method: &str, code: u16) {
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *counts.entry((method.to_owned(), code)).or_default() += 1;
    }
}

#[derive(Clone)]
pub(crate) struct CountLayer(Arc<RequestCount>);

impl<S> Layer<S> for CountLayer {
    type Service = CountRequests<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountRequests {
            inner,
            counts: Arc::clone(&self.0),
        }
    }
}

/// Counts what passes through.
pub(crate) struct CountRequests<S> {
    inner: S,
    counts: Arc<RequestCount>,
}

impl CountRequests<()> {
    pub(crate) fn layer(counts: Arc<RequestCount>) -> CountLayer {
        CountLayer(counts)
    }
}

impl<S, B> Service<Request<Body>> for CountRequests<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.method().as_str().to_owned();
        let counts = Arc::clone(&self.counts);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            counts.add(
                &method,
                answer
                    .as_ref()
                    .map_or(0, |response| response.status().as_u16()),
            );
            answer
        })
    }
}
