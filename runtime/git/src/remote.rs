use crate::error::{Error, Failure};
use crate::ssh::SshAlgorithms;
use tidegate_values::{SafeUrl, Secret};

/// What is shown to a remote to be let in.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    #[default]
    None,
    Basic {
        username: String,
        password: Secret,
    },
    Bearer(Secret),
    /// For `ssh` URLs.
    Ssh {
        /// Private key, PEM or OpenSSH.
        identity: Secret,
        /// Of an encrypted key.
        passphrase: Option<Secret>,
        /// In the format of OpenSSH's file, hashed names included.
        known_hosts: String,
    },
}

impl Credentials {
    /// From what a Secret holds; empty texts count as unset (fluxcd/pkg `git/gogit`, `transportAuth` and
    /// `validateUrlAndAuthOptions`).
    pub fn http(username: &str, password: Secret, bearer: Secret) -> Result<Self, Error> {
        let basic = !username.is_empty() || !password.expose().is_empty();
        match (basic, !bearer.expose().is_empty()) {
            (true, true) => Err(Error::TwoCredentials),
            (true, false) => Ok(Self::Basic {
                username: username.to_owned(),
                password,
            }),
            (false, true) => Ok(Self::Bearer(bearer)),
            (false, false) => Ok(Self::None),
        }
    }

    fn is_bare_user(&self) -> bool {
        matches!(self, Self::Basic { password, .. } if password.expose().is_empty())
    }
}

/// A repository, and how to reach it.
#[derive(Debug, Clone)]
pub struct Remote {
    url: SafeUrl,
    /// Without password; only SSH needs the user.
    pub(crate) parsed: url::Url,
    pub(crate) credentials: Credentials,
    /// See [`Remote::like_git`].
    is_like_git: bool,
    /// PEM certificates trusted besides the system's.
    pub(crate) ca: Option<Vec<u8>>,
    /// PEM certificate chain and key.
    pub(crate) client_certificate: Option<(Vec<u8>, Secret)>,
    /// `http`, `https` or `socks5` URL with its user and password.
    pub(crate) proxy: Option<SafeUrl>,
    pub(crate) ssh_algorithms: SshAlgorithms,
    /// Neither the repository nor its submodules, redirects and proxy may be spoken to in plain HTTP.
    pub(crate) https_only: bool,
}

impl Remote {
    /// An `http`, `https` or `ssh` URL. A user and password in it are used when nothing else is given.
    pub fn new(url: &str) -> Result<Self, Error> {
        let mut parsed = url::Url::parse(url).map_err(|error| Error::Url(error.to_string()))?;
        let credentials = take_credentials(&mut parsed);
        Ok(Self {
            url: SafeUrl::new(url),
            parsed,
            credentials,
            is_like_git: false,
            ca: None,
            client_certificate: None,
            proxy: None,
            ssh_algorithms: SshAlgorithms::default(),
            https_only: false,
        })
    }

    /// As shown in messages.
    pub fn url(&self) -> &SafeUrl {
        &self.url
    }

    /// What the server is shown: at first what the URL itself holds.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether there are credentials already, such as those of the URL itself.
    pub fn has_credentials(&self) -> bool {
        !matches!(self.credentials, Credentials::None)
    }

    /// Replaces what the URL itself may hold.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Trusts these PEM certificates besides the system's. Text that is no certificate is passed over, as Go does.
    #[must_use]
    pub fn with_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Shows this certificate (PEM chain, PEM key) to servers that ask for one.
    #[must_use]
    pub fn with_client_certificate(mut self, chain: impl Into<Vec<u8>>, key: Secret) -> Self {
        self.client_certificate = Some((chain.into(), key));
        self
    }

    /// Goes through this proxy rather than one that the environment names.
    #[must_use]
    pub fn with_proxy(mut self, url: SafeUrl) -> Self {
        self.proxy = Some(url);
        self
    }

    /// Speaks SSH with these algorithms only.
    #[must_use]
    pub fn with_ssh_algorithms(mut self, algorithms: SshAlgorithms) -> Self {
        self.ssh_algorithms = algorithms;
        self
    }

    /// Refuses plain HTTP: of the repository itself, of submodules and redirects, and to the proxy.
    #[must_use]
    pub fn with_https_only(mut self) -> Self {
        self.https_only = true;
        self
    }

    /// Shows what Git itself would: a user that a URL names without a password, the submodules' included, is part of an
    /// address, no credential.
    pub(crate) fn like_git(mut self) -> Self {
        self.is_like_git = true;
        if self.credentials.is_bare_user() {
            self.credentials = Credentials::None;
        }
        self
    }

    /// The same way to another repository, such as a submodule.
    ///
    /// Credentials stay behind when it is somewhere else. Where they go along, those of its own URL do not count: Flux
    /// hands the parent's to go-git, which looks into the URL only without any (go-git `plumbing/transport/http`,
    /// `newSession`). Git itself takes those of the URL.
    pub(crate) fn to(&self, mut url: url::Url) -> Self {
        let same = url.scheme() == self.parsed.scheme()
            && url.host_str() == self.parsed.host_str()
            && url.port_or_known_default() == self.parsed.port_or_known_default();
        let mut remote = self.clone();
        remote.url = SafeUrl::new(url.as_str());
        let own = take_credentials(&mut url);
        let use_own = match &own {
            Credentials::None => false,
            own if self.is_like_git => !own.is_bare_user(),
            _ => !(same && self.has_credentials()),
        };
        remote.parsed = url;
        if !same {
            remote.credentials = Credentials::None;
            remote.client_certificate = None;
        }
        if use_own {
            remote.credentials = own;
        }
        remote
    }

    pub(crate) fn listing(&self, cause: Failure) -> Error {
        Error::List {
            url: self.url.clone(),
            cause,
        }
    }

    pub(crate) fn cloning(&self, cause: Failure) -> Error {
        Error::Clone {
            url: self.url.clone(),
            cause,
        }
    }
}

/// Takes a user and a password out of a URL. SSH needs the user there, and has no use for a password.
fn take_credentials(url: &mut url::Url) -> Credentials {
    let is_ssh = url.scheme() == "ssh";
    let credentials = match url.password() {
        Some(password) if !is_ssh => Credentials::Basic {
            username: decoded(url.username()),
            password: Secret::new(decoded(password)),
        },
        None if !is_ssh && !url.username().is_empty() => Credentials::Basic {
            username: decoded(url.username()),
            password: Secret::new(""),
        },
        _ => Credentials::None,
    };
    // These fail for a URL without a host, which has none to take.
    let _ = url.set_password(None);
    if !is_ssh {
        let _ = url.set_username("");
    }
    credentials
}

/// A user or password of a URL, without its percent signs.
pub(crate) fn decoded(text: &str) -> String {
    // A form's decoder would take `+` for a blank, so it is protected.
    let pairs = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pairs.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
