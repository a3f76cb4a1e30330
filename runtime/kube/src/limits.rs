use http::Request;
use http::Response;
use kube::Config;
use kube::client::Body;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tower::BoxError;
use tower::Layer;
use tower::Service;

/// How long an answer may take to begin. The API server itself ends what takes it longer than a minute
/// (`--request-timeout`), with words of its own.
pub(crate) const ANSWER: Duration = Duration::from_secs(75);

/// How long the API server is waited for. One that went without a word, or the way to it, must hold nobody for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For a connection to be made.
    pub(crate) connection: Duration,
    /// For an answer to begin, that of a watch too: its events may take any time.
    pub(crate) answer: Duration,
    /// For more of an answer. A watch is told something each minute, a bookmark at least.
    pub(crate) silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connection: Duration::from_secs(30),
            answer: ANSWER,
            silence: Duration::from_mins(3),
        }
    }
}

impl Limits {
    /// Sets what connections keep to by themselves.
    pub(crate) fn limit_connections(&self, config: &mut Config) {
        config.connect_timeout = Some(self.connection);
        config.read_timeout = Some(self.silence);
        // Counted from the request: a connection may have been idle before.
        config.reset_reader_on_write = true;
    }
}

/// How a message begins where the API server said nothing.
pub(crate) const NO_ANSWER: &str = "the API server gave no answer";

/// No answer came in time.
#[derive(Debug, thiserror::Error)]
#[error("{NO_ANSWER} to {method} {path} within {} seconds", .within.as_secs_f64())]
pub(crate) struct NoAnswer {
    method: http::Method,
    path: String,
    within: Duration,
}

/// Whether the answer is a stream of events, for as long as the API server likes.
pub(crate) fn is_watch(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair == "watch=true")
}

/// Ends what waits longer than this for its answer to begin.
#[derive(Clone)]
pub(crate) struct LimitAnswers(pub(crate) Duration);

impl<S> Layer<S> for LimitAnswers {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Limited {
            inner,
            within: self.0,
        }
    }
}

pub(crate) struct Limited<S> {
    inner: S,
    within: Duration,
}

impl<S, B> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let late = NoAnswer {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            within: self.within,
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            match tokio::time::timeout(late.within, answer).await {
                Ok(answer) => answer.map_err(Into::into),
                Err(_) => Err(late.into()),
            }
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Limits;
    use crate::Cluster;
    use futures::StreamExt as _;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use kube::Client;
    use kube::api::WatchEvent;
    use kube::api::WatchParams;
    use std::time::Duration;
    use std::time::Instant;
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    /// Long enough for a busy machine.
    const LIMITS: Limits = Limits {
        connection: Duration::from_secs(5),
        answer: Duration::from_secs(1),
        silence: Duration::from_secs(4),
    };
    /// Far below what the system does by itself.
    const SOON: Duration = Duration::from_secs(20);

    /// A cluster whose server takes connections and requests, and answers with these texts, the pause before each.
    pub(crate) async fn cluster(limits: Limits, answer: Vec<(Duration, String)>) -> Cluster {
        crate::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    for (pause, text) in answer {
                        tokio::time::sleep(pause).await;
                        let _ = stream.write_all(text.as_bytes()).await;
                    }
                    // Still there, and silent.
                    std::future::pending::<()>().await;
                });
            }
        });
        let config = kube::Config::new(address.parse().unwrap());
        Cluster::with_limits(config, "test", limits).unwrap()
    }

    fn chunk(text: &str) -> String {
        format!("{:x}\r\n{text}\r\n", text.len())
    }

    const HEAD: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

    fn event(version: u64) -> String {
        let object = serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "ns", "resourceVersion": version.to_string()},
        });
        let event = serde_json::json!({"type": "MODIFIED", "object": object});
        chunk(&format!("{event}\n"))
    }

    fn config_maps(client: Client) -> Api<ConfigMap> {
        Api::namespaced(client, "ns")
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_an_error() {
        let limits = Limits {
            answer: Duration::from_millis(300),
            ..LIMITS
        };
        let cluster = cluster(limits, Vec::new()).await;
        let started = Instant::now();
        for client in [
            cluster.client(),
            cluster.as_service_account("ns", "tenant").unwrap(),
        ] {
            let api = config_maps(client);
            let reading = api.get("a").await.unwrap_err().to_string();
            let wanted = "the API server gave no answer to GET /api/v1/namespaces/ns/configmaps/a within 0.3 seconds";
            assert!(reading.ends_with(wanted), "{reading}");
            let watching = api.watch(&WatchParams::default(), "1").await;
            let watching = watching.err().expect("a failure").to_string();
            let wanted = "the API server gave no answer to GET /api/v1/namespaces/ns/configmaps within 0.3 seconds";
            assert!(watching.ends_with(wanted), "{watching}");
        }
        assert!(started.elapsed() < SOON);
        // As of any request without an answer.
        let counts = cluster.requests().snapshot();
        assert_eq!(counts, [("GET".to_owned(), 0, 4)]);
    }

    #[tokio::test]
    async fn an_answer_that_stops_in_its_midst_is_an_error() {
        let part = chunk("{\"apiVersion\": \"v1\",");
        let cluster = cluster(LIMITS, vec![(Duration::ZERO, format!("{HEAD}{part}"))]).await;
        let started = Instant::now();
        let error = config_maps(cluster.client()).get("a").await.unwrap_err();
        assert!(error.to_string().contains("body"), "{error}");
        assert!(started.elapsed() < SOON);
    }

    #[tokio::test]
    async fn a_watch_outlives_the_limits_while_something_comes() {
        let pause = LIMITS.answer * 3 / 2;
        let answer = vec![
            (Duration::ZERO, HEAD.to_owned()),
            (pause, event(2)),
            (pause, event(3)),
        ];
        let cluster = cluster(LIMITS, answer).await;
        let api = config_maps(cluster.client());
        let started = Instant::now();
        let events = api.watch(&WatchParams::default(), "1").await.unwrap();
        let mut events = events.boxed();
        for version in ["2", "3"] {
            let event = events.next().await.expect("an event").unwrap();
            let WatchEvent::Modified(object) = event else {
                panic!("{event:?}")
            };
            assert_eq!(object.metadata.resource_version.as_deref(), Some(version));
        }
        // The server went without a word.
        let error = events.next().await.expect("a failure").unwrap_err();
        assert!(matches!(error, kube::Error::ReadEvents(_)), "{error}");
        assert!(started.elapsed() < SOON);
    }
}
