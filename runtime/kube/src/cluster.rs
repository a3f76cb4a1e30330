use crate::kubeconfig::Kubeconfigs;
use crate::kubeconfig::LoadError;
use crate::requests::CountRequests;
use crate::requests::RequestCount;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use kube::Client;
use kube::client::Body;
use kube::client::ClientBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
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
    #[error(
        "{} can't be the name of a service account: it must consist of lower case letters, digits, '-' and '.', and start and end with a letter or digit, with at most 253 characters",
        shortened(.0)
    )]
    Account(String),
}

/// Quoted, without control characters, and no longer than a message can take.
fn shortened(name: &str) -> String {
    const MOST: usize = 64;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
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
    /// Makes a client. Nothing is sent yet.
    pub async fn connect(
        kubeconfigs: &Kubeconfigs,
        user_agent: &str,
    ) -> Result<Self, ConnectError> {
        let mut config = kubeconfigs.load().await?;
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
    ///
    /// # Errors
    /// [`ConnectError::Account`] for a name that no service account can have.
    pub fn as_service_account(&self, namespace: &str, name: &str) -> Result<Client, ConnectError> {
        Self::check_account(name)?;
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let header =
            HeaderValue::from_str(&user).map_err(|_| ConnectError::Account(name.to_owned()))?;
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
        let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_label = |label: &[u8]| {
            label.first().is_some_and(is_alphanumeric)
                && label.last().is_some_and(is_alphanumeric)
                && label
                    .iter()
                    .all(|byte| is_alphanumeric(byte) || *byte == b'-')
        };
        if name.len() <= 253 && name.as_bytes().split(|byte| *byte == b'.').all(is_label) {
            Ok(())
        } else {
            Err(ConnectError::Account(name.to_owned()))
        }
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
        let longest = "a".repeat(253);
        for name in ["a", "0", "flux-applier", "team.a-1", &longest] {
            assert!(Cluster::check_account(name).is_ok(), "{name}");
        }
        let too_long = "a".repeat(254);
        for name in [
            "",
            "a\nb",
            "a\r\nImpersonate-Group: system:masters",
            "a\tb",
            "a\u{7f}",
            "A",
            "ä",
            "a b",
            "a:b",
            "a/b",
            "a_b",
            "-a",
            "a-",
            ".a",
            "a.",
            "a..b",
            "..",
            &too_long,
        ] {
            let error = Cluster::check_account(name).expect_err(name).to_string();
            assert!(
                error.len() < 300 && !error.contains(char::is_control),
                "{error}"
            );
        }
        let error = Cluster::check_account("a\nb").unwrap_err().to_string();
        assert!(
            error.starts_with(r#""a\nb" can't be the name of a service account: "#),
            "{error}"
        );
    }
}
