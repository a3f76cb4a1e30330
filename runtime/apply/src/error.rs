use std::fmt;

use tidegate_values::ObjectRef;
use tidegate_values::Redactor;

/// A request that did not succeed, in the words of Go's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// The server refused. `reason` is `Status.reason`: `Invalid`, `Forbidden`, … or empty.
    Refused {
        /// The HTTP status.
        code: u16,
        /// `Status.reason`, empty when the server gave none.
        reason: String,
        /// `Status.message`, in the server's words.
        message: String,
        /// The reasons of `Status.details.causes`.
        causes: Vec<String>,
        /// A server error came before this answer, and the request was repeated as the server asked for.
        is_repeated: bool,
    },
    /// The server does not serve this kind.
    NoMatch {
        /// As the manifest names it.
        kind: String,
        /// As the manifest names it.
        api_version: String,
    },
    /// There is no such request: a name, a namespace or an API version can't stand in the path of one.
    Impossible(String),
    /// No answer, or none that could be understood.
    Transport(String),
}

/// How server errors begin that come before anything is stored: an object of wrong types, a webhook that can't be called.
const BEFORE_STORAGE: [&str; 2] = [
    "failed to create typed patch object",
    "Internal error occurred: failed calling webhook",
];

impl RequestError {
    /// The server's reason, empty when it gave none.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { reason, .. } => reason,
            _ => "",
        }
    }

    /// The object, its namespace or its kind is not there.
    pub fn is_not_found(&self) -> bool {
        self.has("NotFound", 404)
    }

    /// The path is not served: that says nothing of the object. Its definition may be gone, or be switched.
    pub(crate) fn is_unserved(&self) -> bool {
        self.is_not_found() && matches!(self, Self::Refused { message, .. } if message == UNSERVED)
    }

    /// The object changed meanwhile, or fields belong to another manager.
    pub fn is_conflict(&self) -> bool {
        self.has("Conflict", 409)
    }

    /// The object can't be as it is wanted.
    pub fn is_invalid(&self) -> bool {
        self.has("Invalid", 422)
    }

    /// The account may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.has("Forbidden", 403)
    }

    /// The server does not serve the kind.
    pub fn is_no_match(&self) -> bool {
        matches!(self, Self::NoMatch { .. })
    }

    /// Why an object was not made that must not be there yet: it is, or the server has another view of how to ask so.
    pub(crate) fn may_be_there(&self) -> bool {
        self.is_conflict()
            || matches!(self, Self::Refused { message, .. } if message.contains("resourceVersion"))
    }

    /// A field manager conflict, which only an apply without force meets.
    pub(crate) fn is_manager_conflict(&self) -> bool {
        matches!(self, Self::Refused { causes, .. } if causes.iter().any(|cause| cause == MANAGER_CONFLICT))
    }

    /// Nothing was done, for certain. Without an answer, and with one that says that the server failed or gave up, what
    /// was asked for may have been done, or still be: what it says to the same request later is no news of the first.
    pub(crate) fn is_certain(&self) -> bool {
        match self {
            Self::Refused {
                code,
                is_repeated,
                message,
                ..
            } => {
                let is_before_storage = BEFORE_STORAGE
                    .iter()
                    .any(|start| message.starts_with(start));
                !is_repeated && (*code < 500 || is_before_storage)
            }
            Self::NoMatch { .. } | Self::Impossible(_) => true,
            Self::Transport(_) => false,
        }
    }

    fn redact(&mut self, redactor: &Redactor, object: &ObjectRef) {
        if let Self::Refused { message, .. } | Self::Transport(message) = self {
            *message = if object.kind.eq_ignore_ascii_case("Secret") {
                redactor.redact_about_secret(message)
            } else {
                redactor.redact(message)
            };
        }
    }

    fn has(&self, wanted: &str, status: u16) -> bool {
        matches!(self, Self::Refused { code, reason, .. } if reason == wanted || (reason.is_empty() && *code == status))
    }
}

/// The server's words for a path that it does not know, and those of Go's client where it has none.
pub(crate) const UNSERVED: &str = "the server could not find the requested resource";

const MANAGER_CONFLICT: &str = "FieldManagerConflict";

impl std::error::Error for RequestError {}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { message, .. }
            | Self::Impossible(message)
            | Self::Transport(message) => f.write_str(message),
            Self::NoMatch { kind, api_version } => write!(
                f,
                "no matches for kind \"{kind}\" in version \"{api_version}\""
            ),
        }
    }
}

/// Why a set of objects could not be applied, deleted or waited for. The texts are Flux's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server would not take the object, or did not when it was applied without a dry run.
    #[error("{}", dry_run_text(object, cause))]
    DryRun {
        /// What it happened to.
        object: ObjectRef,
        /// What the server said.
        cause: Box<RequestError>,
    },
    /// The server refused what its dry run had taken.
    #[error("{object} apply failed: {cause}")]
    Apply {
        /// What it happened to.
        object: ObjectRef,
        /// What the server said.
        cause: Box<RequestError>,
    },
    /// Traces of kubectl and of displaced field managers could not be removed.
    #[error("{object} metadata.managedFields cleanup failed: {cause}")]
    Cleanup {
        /// What it happened to.
        object: ObjectRef,
        /// What the server said.
        cause: Box<RequestError>,
    },
    /// The field owners could not be moved to the applied version.
    #[error(
        "{object} failed to migrate API version: failed to migrate managed fields API version to {}: {cause}",
        object.api_version
    )]
    Migrate {
        /// What it happened to.
        object: ObjectRef,
        /// What the server said.
        cause: Box<RequestError>,
    },
    /// The object was to be made anew, and could not be deleted.
    #[error("{object} immutable field detected, failed to delete object: {cause}")]
    Recreate {
        /// What it happened to.
        object: ObjectRef,
        /// What the server said.
        cause: Box<RequestError>,
    },
    /// The object was to be made anew, and finalizers kept it past the time-out.
    #[error(
        "{object} immutable field detected, failed to wait for object to be deleted: context deadline exceeded"
    )]
    RecreateTimeout {
        /// What it happened to.
        object: ObjectRef,
    },
    /// A stage did not become ready: `timeout waiting for: [Kind/name status: 'InProgress']`.
    #[error("{0}")]
    NotReady(String),
    /// The object is cipher text: nobody decrypted it.
    #[error(
        "{object} is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
    )]
    Encrypted {
        /// What it happened to.
        object: ObjectRef,
    },
    /// The rules of `spec.ignore` can't be read: `failed to create ignore rule selector: …`.
    #[error("{0}")]
    Ignore(String),
    /// The drift check failed: it crashed, ran too long or broke its contract.
    #[error("drift check failed: {0}")]
    DriftCheck(String),
    /// Objects that could not be deleted.
    #[error("delete failed, errors: {}", terminated(messages))]
    Delete {
        /// One for each object: `Kind/namespace/name delete failed: …`.
        messages: Vec<String>,
    },
    /// A deleted object was still there at the time-out.
    #[error("{object} termination timeout: context deadline exceeded")]
    Termination {
        /// What it happened to.
        object: ObjectRef,
    },
    /// It could not be told whether a deleted object is gone.
    #[error("{object} termination timeout: {cause}")]
    TerminationRead {
        /// What it happened to.
        object: ObjectRef,
        /// What the server said.
        cause: Box<RequestError>,
    },
    /// An entry of the inventory is no identity; it is shown as it is.
    #[error("unable to parse stored object metadata: {0}")]
    InventoryId(String),
}

impl Error {
    /// The same, without secrets in what the server said. Our own words and the names of objects stay.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        match &mut self {
            Self::DryRun { object, cause }
            | Self::Apply { object, cause }
            | Self::Cleanup { object, cause }
            | Self::Migrate { object, cause }
            | Self::Recreate { object, cause }
            | Self::TerminationRead { object, cause } => cause.redact(redactor, object),
            Self::Ignore(message) | Self::DriftCheck(message) => {
                *message = redactor.redact(message);
            }
            Self::Delete { messages } => {
                for message in messages {
                    // `Kind/name delete failed: ` is ours.
                    if let Some((ours, cause)) = message.split_once(" failed: ") {
                        *message = format!("{ours} failed: {}", redactor.redact(cause));
                    }
                }
            }
            _ => {}
        }
        self
    }

    /// Whether the account in use lacks the right: worth repeating slowly only.
    pub fn is_forbidden(&self) -> bool {
        match self {
            Self::DryRun { cause, .. }
            | Self::Apply { cause, .. }
            | Self::Cleanup { cause, .. }
            | Self::Migrate { cause, .. }
            | Self::Recreate { cause, .. }
            | Self::TerminationRead { cause, .. } => cause.is_forbidden(),
            _ => false,
        }
    }
}

/// fluxcd/pkg, `ssa/errors`, `DryRunErr.Error`.
fn dry_run_text(object: &ObjectRef, cause: &RequestError) -> String {
    if cause.is_not_found() {
        let what = if object.namespace.is_empty() {
            "namespace not specified"
        } else {
            "not found"
        };
        return format!("{object} {what}: {cause}");
    }
    let reason = if cause.is_manager_conflict() {
        MANAGER_CONFLICT
    } else {
        cause.reason()
    };
    if reason.is_empty() {
        format!("{object} dry-run failed: {cause}")
    } else {
        format!("{object} dry-run failed ({reason}): {cause}")
    }
}

/// Each message with a semicolon after it (fluxcd/pkg, `ssa`, `DeleteAll`).
fn terminated(messages: &[String]) -> String {
    let mut text = String::new();
    for message in messages {
        text.push_str(message);
        text.push(';');
    }
    text
}
