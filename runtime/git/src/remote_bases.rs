use crate::budget::Budget;
use crate::checkout::{Options, checkout_loosely};
use crate::error::{Error, Failure};
use crate::http;
use crate::limits::Limits;
use crate::locator::Locator;
use crate::remote::Remote;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tidegate_values::{RemoteError, RemoteSource, Tree};

/// Opens remote bases and files for kustomizations, over HTTP and without anybody's credentials.
///
/// Whether that is allowed is for the caller to know. Nothing is kept from one call to the next.
#[derive(Debug, Clone)]
pub struct RemoteBases {
    /// Over all that one call does, whatever a locator asks for.
    pub longest: Duration,
    pub limits: Limits,
    /// Bytes of a single file.
    pub file_bytes: usize,
    /// See [`Options::scratch`].
    pub scratch: Option<PathBuf>,
    /// See [`Remote::with_https_only`].
    pub https_only: bool,
    /// Cancels what is under way. [`RemoteSource::bounded`] puts another in its place.
    pub stop: Arc<AtomicBool>,
}

impl Default for RemoteBases {
    /// Two minutes, 32 MiB per file.
    fn default() -> Self {
        Self {
            longest: Duration::from_mins(2),
            limits: Limits::default(),
            file_bytes: 32 << 20,
            scratch: None,
            https_only: false,
            stop: Arc::default(),
        }
    }
}

impl RemoteBases {
    fn remote(&self, url: &str) -> Result<Remote, RemoteError> {
        let remote = Remote::new(url).map_err(|error| refusal(&error))?;
        Ok(if self.https_only {
            remote.with_https_only()
        } else {
            remote
        })
    }

    fn budget(&self, timeout: Duration) -> Budget {
        Budget::with_stop(timeout.min(self.longest), self.stop.clone())
    }
}

impl RemoteSource for RemoteBases {
    fn open(&self, locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        let locator =
            Locator::parse(locator).map_err(|error| RemoteError::NotFound(error.to_string()))?;
        let scheme = locator
            .repository
            .split_once("://")
            .map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("http" | "https")) {
            // Neither our own disk, nor SSH, which nobody may use without a key.
            let text = format!(
                "{}: only http and https bases can be opened",
                shown(&locator.repository)
            );
            return Err(RemoteError::Unavailable(text));
        }
        let remote = self.remote(&locator.repository)?.like_git();
        let options = Options {
            submodules: locator.submodules,
            limits: self.limits,
            scratch: self.scratch.clone(),
            ..Options::default()
        };
        let budget = self.budget(locator.timeout);
        let checkout = checkout_loosely(&remote, locator.reference.as_deref(), &options, &budget);
        let checkout = checkout.map_err(|error| refusal(&error))?;
        Ok((
            Arc::new(checkout.tree),
            locator.path.trim_end_matches('/').to_owned(),
        ))
    }

    fn bounded(&self, longest: Duration, stop: &Arc<AtomicBool>) -> Option<Arc<dyn RemoteSource>> {
        Some(Arc::new(Self {
            longest: self.longest.min(longest),
            stop: Arc::clone(stop),
            ..self.clone()
        }))
    }

    fn read(&self, url: &str) -> Result<Bytes, RemoteError> {
        let unavailable =
            |failure: Failure| RemoteError::Unavailable(format!("{}: {failure}", shown(url)));
        let remote = self.remote(url)?;
        if !matches!(remote.parsed.scheme(), "http" | "https") {
            return Err(RemoteError::NotFound(format!(
                "{}: no http or https URL",
                shown(url)
            )));
        }
        let client = http::client(&remote).map_err(unavailable)?;
        let budget = self.budget(self.longest);
        let sent = budget.run(client.get(url).send()).map_err(unavailable)?;
        let mut answer =
            sent.map_err(|error| unavailable(Failure::Connection(http::innermost(error))))?;
        if !answer.status().is_success() {
            // The texts of kustomize `api/internal/loader`, `httpClientGetContent`.
            if Locator::parse(url).is_ok() {
                return Err(RemoteError::NotFound("URL is a git repository".to_owned()));
            }
            let status = answer.status();
            let reason = status.canonical_reason().unwrap_or_default();
            let text = format!("HTTP Error: status code {} ({reason})", status.as_u16());
            let gone = status.is_client_error();
            return Err(if gone {
                RemoteError::NotFound(text)
            } else {
                RemoteError::Unavailable(text)
            });
        }
        let mut content = Vec::new();
        loop {
            let chunk = budget.run(answer.chunk()).map_err(unavailable)?;
            let chunk =
                chunk.map_err(|error| unavailable(Failure::Connection(http::innermost(error))))?;
            let Some(chunk) = chunk else {
                return Ok(content.into());
            };
            if content.len() + chunk.len() > self.file_bytes {
                let limit = self.file_bytes as u64;
                return Err(unavailable(Failure::TooLarge {
                    what: "bytes in a file",
                    limit,
                }));
            }
            content.extend_from_slice(&chunk);
        }
    }
}

/// A repository, branch or commit that is not there stays so; anything else may pass.
fn refusal(error: &Error) -> RemoteError {
    let text = error.to_string();
    match error {
        Error::Clone { cause, .. } | Error::List { cause, .. } => match cause {
            Failure::RepositoryNotFound(_) | Failure::RefNotFound(_) | Failure::Empty => {
                RemoteError::NotFound(text)
            }
            _ => RemoteError::Unavailable(text),
        },
        Error::Url(_) | Error::Empty { .. } | Error::CommitNotFound(_) => {
            RemoteError::NotFound(text)
        }
        _ => RemoteError::Unavailable(text),
    }
}

fn shown(url: &str) -> String {
    tidegate_values::SafeUrl::new(url).to_string()
}
