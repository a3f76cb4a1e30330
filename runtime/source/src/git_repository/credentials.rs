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
        ssh_credentials(remote, data)
    } else {
        http_credentials(remote, data)
    }
}

fn http_credentials(mut remote: Remote, data: &SecretData) -> Result<Remote, Failure> {
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
        let username = data.text("username");
        let password = data.get("password");
        match (username, password) {
            (None, Some(_)) => {
                return Err(wrong(
                    "invalid 'http' auth option: 'password' requires 'username' to be set",
                ));
            }
            (Some(username), password) => {
                let password = Secret::new(password.unwrap_or_default());
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

fn ssh_credentials(remote: Remote, data: &SecretData) -> Result<Remote, Failure> {
    let identity = data
        .get("identity")
        .ok_or_else(|| wrong("invalid 'ssh' auth option: 'identity' is required"))?;
    let known_hosts = data
        .text("known_hosts")
        .ok_or_else(|| wrong("invalid 'ssh' auth option: 'known_hosts' is required"))?;
    Ok(remote.with_credentials(Credentials::Ssh {
        identity: Secret::new(identity),
        passphrase: data.get("password").map(Secret::new),
        known_hosts,
    }))
}

/// The proxy's URL with its user and password.
pub(super) fn proxy(inputs: &Inputs) -> Result<Option<SafeUrl>, Failure> {
    let wrong = |message: &str| failed(format!("failed to configure proxy options: {message}"));
    let data = match &inputs.proxy {
        None => return Ok(None),
        Some(Err(message)) => return Err(wrong(message)),
        Some(Ok(data)) => data,
    };
    let address = data
        .text("address")
        .ok_or_else(|| wrong("invalid proxy secret: key 'address' is missing"))?;
    let mut url = url::Url::parse(&address).map_err(|error| {
        wrong(&format!(
            "invalid proxy secret: key 'address' is no URL: {error}"
        ))
    })?;
    if let Some(username) = data.text("username") {
        let password = data.text("password");
        // Only URLs without a host refuse these, and those are no proxies.
        let set = url
            .set_username(&username)
            .and_then(|()| url.set_password(password.as_deref()));
        set.map_err(|()| wrong("invalid proxy secret: key 'address' has no host"))?;
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
