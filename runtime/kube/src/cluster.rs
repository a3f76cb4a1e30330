use crate::kubeconfig::Kubeconfigs;
use crate::kubeconfig::LoadError;
use crate::limits::LimitAnswers;
use crate::limits::Limits;
use crate::requests::CountRequests;
use crate::requests::RequestCount;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use kube::Client;
use kube::Config;
use kube::client::Body;
use kube::client::ClientBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use tidegate_values::NameError;
use tidegate_values::NameRule;
use tidegate_values::SafeUrl;
use tower::Service;

/// Why no connection to the API server could be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    #[error(transparent)]
    Kubeconfig(#[from] LoadError),
    #[error("failed to build the client")]
    Client(#[from] kube::Error),
    #[error("the user agent `{0}` is no header value")]
    UserAgent(String),
    /// A name that no service account can have.
    #[error(transparent)]
    Account(#[from] NameError),
    #[error("the user {0:?} can't stand in a header")]
    User(String),
}

/// One cluster, and the identities under which we speak to it.
///
/// All clients share one pool of connections: a tenant's client differs by a header.
pub struct Cluster {
    server: String,
    client: Client,
    requests: Arc<RequestCount>,
    tenants: Mutex<BTreeMap<String, Client>>,
}

impl Cluster {
    /// Makes a client. Nothing is sent yet.
    pub async fn connect(
        kubeconfigs: &Kubeconfigs,
        user_agent: &str,
    ) -> Result<Self, ConnectError> {
        Self::with_limits(kubeconfigs.load().await?, user_agent, Limits::default())
    }

    pub(crate) fn with_limits(
        mut config: Config,
        user_agent: &str,
        limits: Limits,
    ) -> Result<Self, ConnectError> {
        limits.limit_connections(&mut config);
        let agent = HeaderValue::from_str(user_agent)
            .map_err(|_| ConnectError::UserAgent(user_agent.to_owned()))?;
        config.headers.push((http::header::USER_AGENT, agent));
        let server = SafeUrl::new(config.cluster_url.to_string()).to_string();
        let host = config.cluster_url.authority().map_or("", |it| it.as_str());
        let requests = Arc::new(RequestCount::new(host));
        let client = ClientBuilder::try_from(config)?
            .with_layer(&LimitAnswers(limits.answer))
            .with_layer(&CountRequests::layer(Arc::clone(&requests)))
            .build();
        Ok(Self {
            server: server.trim_end_matches('/').to_owned(),
            client,
            requests,
            tenants: Mutex::default(),
        })
    }

    /// The API server's URL, as it is shown.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Speaks as ourselves.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Speaks as a service account: `Impersonate-User: system:serviceaccount:<namespace>:<name>`
    /// (fluxcd/pkg, `runtime/client/impersonation.go`).
    ///
    /// # Errors
    /// [`ConnectError::Account`] for a name that no service account can have.
    pub fn as_service_account(&self, namespace: &str, name: &str) -> Result<Client, ConnectError> {
        Self::check_account(name)?;
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let header = HeaderValue::from_str(&user).map_err(|_| ConnectError::User(user.clone()))?;
        let mut tenants = self
            .tenants
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let client = tenants.entry(user).or_insert_with(|| {
            let inner = self.client.clone();
            Client::new(
                Impersonate {
                    inner,
                    user: header,
                },
                namespace,
            )
        });
        Ok(client.clone())
    }

    /// Whether a service account can have this name, by the API server's rule (Kubernetes,
    /// `validation.ValidateServiceAccountName`: a DNS-1123 subdomain). Whatever else stood in the header would be another
    /// user, or no header at all.
    ///
    /// # Errors
    /// [`ConnectError::Account`] where it can't.
    pub fn check_account(name: &str) -> Result<(), ConnectError> {
        Ok(NameRule::Subdomain.check(name, "a service account")?)
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

#[cfg(test)]
mod tests {
    use super::Cluster;

    #[test]
    fn only_names_of_service_accounts_are_put_into_a_header() {
        assert!(Cluster::check_account("flux-applier").is_ok());
        for name in [
            "",
            "a\r\nImpersonate-Group: system:masters",
            "a:b",
            "a\u{7f}",
        ] {
            let error = Cluster::check_account(name).expect_err(name).to_string();
            let quoted = format!("{name:?} can't be the name of a service account: ");
            assert!(error.starts_with(&quoted), "{error}");
        }
    }
}
