use tidegate_api::Artifact;
use tidegate_artifact::Malformed;

/// Which of the negative conditions a failure sets, beside Ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedPart {
    Fetch,
    Include,
    Storage,
    /// Nothing but the event and the log tell of it.
    Hidden,
}

/// What the loop does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The spec must change: no try before it does.
    Stalling,
    /// Something else must come first: looked at again after `--requeue-dependency`.
    Waiting,
    /// Tried again with growing delays.
    Failing,
}

/// Why no artifact was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub part: FailedPart,
    pub severity: Severity,
    pub reason: &'static str,
    pub message: String,
}

/// What the storage said of the artifact in the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// The status names none.
    None,
    Intact {
        /// Where it is served now: the address may be another than when it was made.
        url: String,
    },
    Missing,
    /// The digest is not the one that was promised; the text tells of both.
    Tampered(String),
    /// It could not be read, so nobody knows. It is kept until it is fetched anew: it may be whole when it can be read
    /// again, and may never be.
    Unreadable(String),
}

/// What was found at the remote, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The reference still leads to the stored revision, and nothing that shapes the artifact changed:
    /// nothing was fetched.
    Unchanged { revision: String },
    /// It was fetched, and is what is stored already.
    UpToDate { revision: String, commit: String },
    /// There is a new artifact.
    Stored {
        artifact: Artifact,
        includes: Vec<Artifact>,
        commit: String,
        /// Patterns of files to leave out that match nothing because of how they are written.
        malformed: Vec<Malformed>,
    },
}

/// What one look at a GitRepository came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The finalizer has to be there before anything is stored.
    FinalizerMissing,
    Suspended,
    /// Its artifacts are gone, or could not be removed.
    Deleted(Result<(), String>),
    /// A field that is not served yet: the object stalls instead of being reconciled without it.
    NotServed {
        field: String,
    },
    Reconciled(Box<Reconciled>),
}

/// Data and failure together: what the storage held is told even when the fetch failed.
#[derive(Debug, Clone)]
pub struct Reconciled {
    pub stored: Stored,
    /// How many older archives were collected.
    pub collected: usize,
    /// The revision that was seen, when it is not the stored one.
    pub new_revision: Option<String>,
    /// Whether the included artifacts are others than those in the status.
    pub includes_changed: bool,
    pub result: Result<Fetched, Failure>,
}
