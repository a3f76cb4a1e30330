use std::time::Duration;
use std::time::Instant;
use tidegate_api::Inventory;
use tidegate_apply::ChangeSet;

/// The revision of the source that was worked on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revision {
    pub revision: String,
    /// For an OCI image: the revision of the sources it was made from.
    pub origin: Option<String>,
}

/// What one look at a Kustomization came to.
#[derive(Debug)]
pub enum Outcome {
    /// The finalizer has to be there before anything is applied.
    FinalizerMissing,
    Suspended,
    /// A field that is not served yet: the object stalls instead of being reconciled without it.
    NotServed {
        field: &'static str,
    },
    /// The spec is wrong: nothing is tried before it changes.
    Misconfigured {
        reason: &'static str,
        message: String,
        revision: Option<Revision>,
    },
    /// A reference into another namespace that is not allowed, or a kind that is switched off.
    AccessDenied {
        message: String,
    },
    SourceMissing {
        message: String,
    },
    /// The source could not be read; tried again soon.
    SourceUnreadable {
        message: String,
    },
    /// The source is there and has nothing yet.
    NoArtifact,
    DependencyNotReady {
        message: String,
        revision: Revision,
    },
    Finalized(Finalized),
    Attempted(Box<Attempt>),
}

/// What became of the objects of a Kustomization that goes away.
#[derive(Debug)]
pub enum Finalized {
    /// Nothing was to be deleted.
    Kept,
    /// They are being deleted, which was told. With a wait, they are gone unless it failed.
    Deleted { wait_failed: Option<String> },
    /// The account that would delete them is gone.
    NobodyToDelete { objects: Vec<String> },
    /// Tried again.
    Failed { message: String },
}

/// How far an attempt came. The names are those of Flux's progress messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Fetching,
    Building,
    DetectingDrift,
    CheckingHealth,
}

/// Data and failure together: what was done is told, and kept in the inventory, even when the rest failed.
#[derive(Debug)]
pub struct Attempt {
    pub revision: Revision,
    pub step: Step,
    /// Digest of what was built, once it was.
    pub digest: Option<String>,
    /// What was applied or found unchanged.
    pub changes: ChangeSet,
    /// What we answer for now. `None`: as before.
    pub inventory: Option<Inventory>,
    pub health: Health,
    pub failure: Option<Failure>,
    /// When health was waited for first: the time-out counts from there.
    pub waiting_since: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Not come to, or not asked for: what is said of it goes.
    NotChecked,
    /// Asked for and under way when the attempt ended.
    Unfinished,
    Passed {
        took: Duration,
    },
    Failed {
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The artifact's archive is not there (any more): the source will make a new one.
    ArtifactGone,
    /// The artifact is not what the source promised, or its path does not exist.
    Artifact(String),
    Build(String),
    Apply(String),
    Prune(String),
    Health {
        message: String,
        took: Duration,
    },
    /// The wait was given up because of `Kind/namespace/name`.
    Canceled {
        by: String,
    },
    /// The object is being deleted: what was built for it is needed no more.
    Deleted,
    /// Something of ours, not of the user's, failed: tried again soon.
    Host(String),
}

impl Attempt {
    pub fn new(revision: Revision) -> Self {
        Self {
            revision,
            step: Step::Fetching,
            digest: None,
            changes: ChangeSet::default(),
            inventory: None,
            health: Health::NotChecked,
            failure: None,
            waiting_since: None,
        }
    }

    pub fn failed(mut self, failure: Failure) -> Self {
        self.failure = Some(failure);
        self
    }
}
