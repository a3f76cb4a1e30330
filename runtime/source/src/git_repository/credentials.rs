//! From the keys of a Secret to what a Git server is shown (fluxcd/pkg, `git/options.go`).

use super::Inputs;
use super::outcome::FailedPart;
use super::outcome::Failure;
use super::outcome::Severity;
use super::resolve::SecretData;
use kube::ResourceExt as _;
use tidegate_api::GitRepository;
use tidegate_api::meta::reason;
use tidegate_git::Credentials;
use tidegate_git::Remote;
use tidegate_values::SafeUrl;
use tidegate_values::Secret;

/// `remote` with what the Secret holds.
pub(super) fn put(
    remote: Remote,
    url: &str,
    object: &GitRepository,
    inputs: &Inputs,
) -> Result<Remote, Failure> {
    let ssh = url.starts_with("ssh://");
    let data = match &inputs.secret {
        None if ssh => return Err(wrong("invalid 'ssh' auth option: 'identity' is required")),
        None => return Ok(remote),
        // Flux says it twice.
        Some(Err(message)) => {
            let name = object
                .spec
                .secret_ref
                .as_ref()
                .map_or("", |reference| &reference.name);
            let namespace = object.namespace().unwrap_or_default();
            return Err(failed(format!(
                "failed to get secret '{namespace}/{name}': {message}"
            )));
        }
        Some(Ok(data)) => data,
    };
    if data.has("githubAppID") {
        let name = object
            .spec
            .secret_ref
            .as_ref()
            .map_or("", |reference| &reference.name);
        let namespace = object.namespace().unwrap_or_default();
        return Err(Failure {
            reason: reason::INVALID_PROVIDER_CONFIGURATION,
            ..failed(format!(
                "secretRef '{namespace}/{name}' has github app data but provider is not set to github"
            ))
        });
    }
    if ssh {
        ssh_credentials(remote, object, data)
    } else {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        http_credentials(remote, scheme, data)
    }
}

fn http_credentials(
    mut remote: Remote,
    scheme: &str,
    data: &SecretData,
) -> Result<Remote, Failure> {
    if let Some(token) = data.get("bearerToken") {
        if remote.has_credentials() {
            return Err(Failure {
                reason: reason::GIT_OPERATION_FAILED,
                ..failed(format!(
                    "failed to checkout and determine revision: {}",
                    tidegate_git::Error::TwoCredentials
                ))
            });
        }
        remote = remote.with_credentials(Credentials::Bearer(Secret::new(token)));
    } else {
        // What the Secret leaves out, the URL may have.
        let (username, password) = match remote.credentials() {
            Credentials::Basic { username, password } => (
                Some(username.clone()).filter(|username| !username.is_empty()),
                Some(password.clone()).filter(|password| !password.expose().is_empty()),
            ),
            _ => (None, None),
        };
        let username = data.text("username").or(username);
        let password = data.get("password").map(Secret::new).or(password);
        match (username, password) {
            (None, Some(_)) => {
                return Err(wrong(&format!(
                    "invalid '{scheme}' auth option: 'password' requires 'username' to be set"
                )));
            }
            (Some(username), password) => {
                let password = password.unwrap_or_else(|| Secret::new(""));
                remote = remote.with_credentials(Credentials::Basic { username, password });
            }
            (None, None) => {}
        }
    }
    if let Some(ca) = data.get("ca.crt").or_else(|| data.get("caFile")) {
        remote = remote.with_ca(ca);
    }
    if let (Some(chain), Some(key)) = (data.get("tls.crt"), data.get("tls.key")) {
        remote = remote.with_client_certificate(chain, Secret::new(key));
    }
    Ok(remote)
}

fn ssh_credentials(
    remote: Remote,
    object: &GitRepository,
    data: &SecretData,
) -> Result<Remote, Failure> {
    let identity = data
        .get("identity")
        .ok_or_else(|| wrong("invalid 'ssh' auth option: 'identity' is required"))?;
    let known_hosts = data
        .text("known_hosts")
        .ok_or_else(|| wrong("invalid 'ssh' auth option: 'known_hosts' is required"))?;
    let identity = Secret::new(identity);
    let passphrase = data.get("password").map(Secret::new);
    // source-controller, `getAuthOpts`
    if passphrase.is_none() && tidegate_git::wants_passphrase(&identity) {
        let name = object.spec.secret_ref.as_ref();
        return Err(failed(format!(
            "SSH identity key is encrypted but no 'password' field was provided in the secret '{}/{}'",
            object.namespace().unwrap_or_default(),
            name.map_or("", |reference| &reference.name)
        )));
    }
    Ok(remote.with_credentials(Credentials::Ssh {
        identity,
        passphrase,
        known_hosts,
    }))
}

/// Schemes of proxies (fluxcd/pkg, `runtime/secrets/secrets.go`, `supportedProxySchemes`).
const PROXY_SCHEMES: &[&str] = &["http", "https", "socks5"];

/// Bytes of a proxy's address at most (`MaxProxyURLLength` there).
const PROXY_ADDRESS: usize = 2048;

/// The proxy's URL with its user and password (fluxcd/pkg, `runtime/secrets/converter.go`, `ProxyURLFromSecret`).
pub(super) fn proxy(object: &GitRepository, inputs: &Inputs) -> Result<Option<SafeUrl>, Failure> {
    let failed = |text: &str| failed(format!("failed to configure proxy options: {text}"));
    let data = match &inputs.proxy {
        None => return Ok(None),
        Some(Err(message)) => return Err(failed(message)),
        Some(Ok(data)) => data,
    };
    let wrong = |text: &str| {
        let name = object.spec.proxy_secret_ref.as_ref();
        let name = name.map_or("", |reference| &reference.name);
        let namespace = object.namespace().unwrap_or_default();
        failed(&format!("secret '{namespace}/{name}': {text}"))
    };
    let address = data.0.get("address");
    let address = address.ok_or_else(|| wrong("key 'address' not found"))?;
    let address = String::from_utf8_lossy(address);
    if address.is_empty() {
        return Err(wrong("proxy address is empty"));
    }
    if address.len() > PROXY_ADDRESS {
        return Err(wrong(&format!(
            "proxy URL exceeds maximum length of {PROXY_ADDRESS} characters"
        )));
    }
    let no_url = |cause: &dyn std::fmt::Display| {
        let address = SafeUrl::new(address.as_ref());
        wrong(&format!(
            "failed to parse proxy address '{address}': {cause}"
        ))
    };
    let scheme = |scheme: &str| {
        wrong(&format!(
            "proxy URL must use one of the supported schemes ({}), got '{scheme}'",
            PROXY_SCHEMES.join(", ")
        ))
    };
    let mut url = match url::Url::parse(&address) {
        Ok(url) if !PROXY_SCHEMES.contains(&url.scheme()) => return Err(scheme(url.scheme())),
        Ok(url) => url,
        // A path to Go, unless its first part looks as if a scheme was meant.
        Err(url::ParseError::RelativeUrlWithoutBase)
            if !address.split('/').next().unwrap_or_default().contains(':') =>
        {
            return Err(scheme(""));
        }
        Err(error) => return Err(no_url(&error)),
    };
    let text = |key: &str| data.0.get(key).map(|value| String::from_utf8_lossy(value));
    if let Some(username) = text("username") {
        let set = url
            .set_username(&username)
            .and_then(|()| url.set_password(text("password").as_deref()));
        set.map_err(|()| no_url(&url::ParseError::EmptyHost))?;
    }
    Ok(Some(SafeUrl::new(url)))
}

impl SecretData {
    fn get(&self, key: &str) -> Option<&[u8]> {
        self.0
            .get(key)
            .map(Vec::as_slice)
            .filter(|value| !value.is_empty())
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

fn wrong(message: &str) -> Failure {
    failed(format!(
        "failed to configure authentication options: {message}"
    ))
}

fn failed(message: String) -> Failure {
    Failure {
        part: FailedPart::Fetch,
        severity: Severity::Failing,
        reason: reason::AUTHENTICATION_FAILED,
        message,
    }
}
