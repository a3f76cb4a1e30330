use std::fmt;

/// How an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The controller of the object has done what the object asks for.
    Current,
    InProgress,
    /// It will not get well by itself.
    Failed,
    /// It is being deleted.
    Terminating,
    NotFound,
    /// It could not be read or judged.
    Unknown,
}

/// As Flux's messages name it.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// What is known of one object's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub status: Status,
    /// Why, for people. Flux keeps it out of its messages.
    pub message: String,
    /// Why the status is unknown. This one Flux's messages show.
    pub error: Option<String>,
}

impl Health {
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            error: None,
        }
    }

    /// The object could not be read or judged.
    pub fn unknown(error: impl Into<String>) -> Self {
        Self {
            status: Status::Unknown,
            message: String::new(),
            error: Some(error.into()),
        }
    }

    pub fn not_found() -> Self {
        Self::new(Status::NotFound, "Resource not found")
    }

    pub(crate) fn current(message: impl Into<String>) -> Self {
        Self::new(Status::Current, message)
    }

    pub(crate) fn in_progress(message: impl Into<String>) -> Self {
        Self::new(Status::InProgress, message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Status::Failed, message)
    }

    pub fn is_current(&self) -> bool {
        self.status == Status::Current
    }
}
