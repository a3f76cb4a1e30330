use crate::requests::CountRequests;
use crate::requests::RequestCount;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use kube::Client;
use kube::client::Body;
use kube::client::ClientBuilder;
use kube::config::KubeConfigOptions;
use kube::config::Kubeconfig;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use tower::Service;

/// Why no connection to the API server could be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    #[error("failed to read the kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    #[error("neither a kubeconfig nor an in-cluster service account was found: {0}")]
    Infer(#[from] kube::config::InferConfigError),
    #[error("failed to build the client: {0}")]
    Client(#[from] kube::Error),
    #[error("the user agent `{0}` is no header value")]
    UserAgent(String),
}

/// One cluster, and the identities under which we speak to it.
///
/// All clients share one pool of connections: a tenant's client differs by a header.
pub struct Cluster {
    client: Client,
    requests: Arc<RequestCount>,
    tenants: Mutex<BTreeMap<String, Client>>,
}

impl Cluster {
    /// Connects with `kubeconfig`, or with what the environment offers when there is none
    /// (`KUBECONFIG`, `~/.kube/config`, the pod's service account).
    pub async fn connect(
        kubeconfig: Option<&Path>,
        user_agent: &str,
    ) -> Result<Self, ConnectError> {
        let mut config = match kubeconfig {
            Some(path) => {
                let file = Kubeconfig::read_from(path)?;
                kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
            }
            None => kube::Config::infer().await?,
        };
        let agent = HeaderValue::from_str(user_agent)
            .map_err(|_| ConnectError::UserAgent(user_agent.to_owned()))?;
        config.headers.push((http::header::USER_AGENT, agent));
        let requests = Arc::new(RequestCount::default());
        let client = ClientBuilder::try_from(config)?
            .with_layer(&CountRequests::layer(Arc::clone(&requests)))
            .build();
        Ok(Self {
            client,
            requests,
            tenants: Mutex::default(),
        })
    }

    /// Speaks as ourselves.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Speaks as a service account: `Impersonate-User: system:serviceaccount:<namespace>:<name>`
    /// (fluxcd/pkg, `runtime/client/impersonation.go`).
    pub fn as_service_account(&self, namespace: &str, name: &str) -> Client {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let mut tenants = self
            .tenants
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        tenants
            .entry(user)
            .or_insert_with_key(|user| {
                Client::new(Impersonate::new(self.client.clone(), user), namespace)
            })
            .clone()
    }

    /// Requests sent so far, by method and status code.
    pub fn requests(&self) -> Arc<RequestCount> {
        Arc::clone(&self.requests)
    }
}

/// Adds the header that makes the API server judge a request as somebody else's.
#[derive(Clone)]
struct Impersonate {
    inner: Client,
    user: HeaderValue,
}

impl Impersonate {
    fn new(inner: Client, user: &str) -> Self {
        let user = HeaderValue::from_str(user)
            .expect("names of service accounts are ASCII: the API server checks them");
        Self { inner, user }
    }
}

impl Service<Request<Body>> for Impersonate {
    type Response = http::Response<Body>;
    type Error = kube::Error;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.headers_mut().insert(
            HeaderName::from_static("impersonate-user"),
            self.user.clone(),
        );
        let inner = self.inner.clone();
        Box::pin(async move { inner.send(request).await })
    }
}

/// Chooses the cryptography of all TLS connections. To be called once, before the first of them.
pub fn install_crypto() {
    // Fails only when it was called before, with the same choice.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
