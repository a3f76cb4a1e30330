use crate::error::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::remote::Credentials;

/// Shorter secrets are not looked for: they would mask half of any text.
const SHORTEST: usize = 6;

/// What a transport and its session share beside gix, which would make a text of every failure.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Shared>);

struct Shared {
    failure: Mutex<Option<Failure>>,
    /// Bytes that may still come.
    allowance: AtomicU64,
    /// What must not stand in a message, though the server may say it back to us.
    secrets: Vec<String>,
}

impl Wire {
    pub(crate) fn new(credentials: &Credentials, allowance: u64) -> Self {
        let secrets = match credentials {
            Credentials::None | Credentials::Ssh { .. } => Vec::new(),
            Credentials::Bearer(token) => vec![token.expose().to_vec()],
            Credentials::Basic { username, password } => {
                let pair = [username.as_bytes(), b":", password.expose()].concat();
                vec![
                    STANDARD.encode(pair).into_bytes(),
                    password.expose().to_vec(),
                ]
            }
        };
        let secrets = secrets
            .into_iter()
            .filter_map(|secret| String::from_utf8(secret).ok());
        let secrets = secrets.filter(|secret| secret.len() >= SHORTEST).collect();
        let allowance = AtomicU64::new(allowance);
        Self(Arc::new(Shared {
            failure: Mutex::default(),
            allowance,
            secrets,
        }))
    }

    /// Keeps the first failure; gives an error to hand to gix.
    pub(crate) fn fail(&self, failure: Failure) -> io::Error {
        let failure = self.mask(failure);
        let text = failure.to_string();
        self.0
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(failure);
        io::Error::other(text)
    }

    pub(crate) fn take(&self) -> Option<Failure> {
        self.0
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// From now on this many bytes may come.
    pub(crate) fn allow(&self, bytes: u64) {
        self.0.allowance.store(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that came.
    pub(crate) fn count(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.allowance.load(Ordering::Relaxed);
        match left.checked_sub(bytes as u64) {
            Some(left) => {
                self.0.allowance.store(left, Ordering::Relaxed);
                Ok(())
            }
            None => Err(self.fail(Failure::TooMuch)),
        }
    }

    /// Takes secrets out of what a server said.
    pub(crate) fn mask(&self, mut failure: Failure) -> Failure {
        use Failure::{
            AuthenticationRequired, AuthorizationFailed, Protocol, RepositoryNotFound, Status,
        };
        if let AuthenticationRequired(text)
        | AuthorizationFailed(text)
        | RepositoryNotFound(text)
        | Protocol(text)
        | Status { text, .. } = &mut failure
        {
            for secret in &self.0.secrets {
                *text = text.replace(secret.as_str(), "***");
            }
        }
        failure
    }
}
