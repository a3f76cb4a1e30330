use crate::error::Failure;
use crate::remote::Credentials;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_values::Redactor;

/// What a transport and its session share beside gix, which would make a text of every failure.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Shared>);

struct Shared {
    failure: Mutex<Option<Failure>>,
    /// Bytes that may still come.
    allowance: AtomicU64,
    /// What the server can do was not asked for in this conversation.
    remembered: AtomicBool,
    /// What must not stand in a message, though the server may say it back to us.
    redactor: Redactor,
}

impl Wire {
    pub(crate) fn new(credentials: &Credentials, allowance: u64) -> Self {
        let redactor = match credentials {
            Credentials::None | Credentials::Ssh { .. } => Redactor::default(),
            Credentials::Bearer(token) => Redactor::new([token.expose()]),
            Credentials::Basic { username, password } => {
                // As the header joins them: a short password is hidden there at least.
                let pair = [username.as_bytes(), b":", password.expose()].concat();
                Redactor::new([&*pair, password.expose()])
            }
        };
        let allowance = AtomicU64::new(allowance);
        Self(Arc::new(Shared {
            failure: Mutex::default(),
            allowance,
            remembered: AtomicBool::new(false),
            redactor,
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

    pub(crate) fn note_remembered(&self) {
        self.0.remembered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_remembered(&self) -> bool {
        self.0.remembered.load(Ordering::Relaxed)
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
            *text = self.0.redactor.redact(text);
        }
        failure
    }
}
