//! What can go wrong when objects are read, selected or changed.

/// A problem with an object, a path or a patch. The texts are kustomize's where it has one: they reach users through
/// conditions and events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
    kind: ErrorKind,
}

/// What a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing that a caller acts on.
    Other,
    /// A mapping or sequence stands where a scalar should be.
    CollectionInsteadOfScalar,
}

impl Error {
    /// A problem in these words.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: ErrorKind::Other,
        }
    }

    pub(crate) fn of_kind(text: String, kind: ErrorKind) -> Self {
        Self { text, kind }
    }

    /// The same problem with `context: ` before it.
    #[must_use]
    pub fn wrap(self, context: &str) -> Self {
        Self {
            text: format!("{context}: {}", self.text),
            kind: self.kind,
        }
    }

    /// What a caller may want to tell apart.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
