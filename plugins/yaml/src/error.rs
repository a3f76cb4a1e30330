//! What can go wrong, in go-yaml's own words: the texts reach users through conditions and events.

use std::borrow::Cow;
use std::fmt;

/// A problem with YAML or JSON text, or with turning one into the other.
///
/// `Display` prints exactly what the Go libraries print for the same input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML, or breaks a limit of the reader.
    #[error("yaml: {}{problem}", LinePrefix(*line))]
    Syntax {
        /// One-based line as go-yaml counts it (it leaves out the first line, and is one short for grammar errors).
        line: Option<usize>,
        /// What is wrong.
        problem: Cow<'static, str>,
    },
    /// The text is YAML, but does not fit the data asked for; one message for each place.
    #[error("yaml: unmarshal errors:\n  {}", .0.join("\n  "))]
    Decode(Vec<String>),
    /// The data has no JSON form.
    #[error("json: unsupported type: {0}")]
    UnsupportedType(&'static str),
    /// The number has no JSON form.
    #[error("json: unsupported value: {0}")]
    UnsupportedValue(&'static str),
    /// A mapping key that has no JSON form.
    #[error("unsupported map key of type: {kind}, key: {key}, value: {value}")]
    UnsupportedKey {
        /// Go's name of the key's type.
        kind: &'static str,
        /// The key in Go's syntax.
        key: String,
        /// The value in Go's syntax.
        value: String,
    },
    /// An anchor or a merge key that cannot be expanded.
    #[error("{0}")]
    Expand(String),
}

impl Error {
    /// A problem without a place.
    pub(crate) fn problem(problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Syntax {
            line: None,
            problem: problem.into(),
        }
    }
}

struct LinePrefix(Option<usize>);

impl fmt::Display for LinePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, "line {line}: "),
            None => Ok(()),
        }
    }
}

/// How deep collections may nest: the one limit for whatever we read. go-yaml allows 10,000, which the stack of a
/// sandbox does not. JSON readers (serde_json, and with it every client of the API server) stop at 128, and there an
/// object stands inside a list and lists its own fields once more in `metadata.managedFields`, six levels deeper: what
/// is let in here can be read back from the cluster. The deepest resource definitions in use stay below 70.
pub(crate) const MAX_DEPTH: usize = 100;

/// The error for nesting beyond [`MAX_DEPTH`].
pub(crate) fn too_deep(line: Option<usize>) -> Error {
    Error::Syntax {
        line,
        problem: Cow::Owned(format!("exceeded max depth of {MAX_DEPTH}")),
    }
}
