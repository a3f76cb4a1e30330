//! Why a build failed.

use std::fmt::Write as _;

use crate::FileError;

/// A failed build. `Display` prints what `kustomize build` prints after `Error: `, with the file and field at fault
/// where kustomize names them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
    kind: ErrorKind,
    warnings: Vec<String>,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is wrong.
    Input,
    /// The input asks for something that this engine does not do; the text names the field.
    Unsupported,
    /// Flux's generator refused the input, before kustomize saw it: Flux shows these without `kustomize build failed`.
    Generator,
    /// A remote file could not be had, so trying it as a folder is of no use.
    Http,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: ErrorKind::Input,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: ErrorKind::Unsupported,
            warnings: Vec::new(),
        }
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    #[must_use]
    pub(crate) fn wrap(self, context: impl std::fmt::Display) -> Self {
        Self {
            text: format!("{context}: {}", self.text),
            ..self
        }
    }

    /// What kustomize had warned of before it failed, in its words.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    #[must_use]
    pub(crate) fn after_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    /// The same problem, found by Flux's generator.
    #[must_use]
    pub(crate) fn in_generator(self) -> Self {
        Self {
            kind: ErrorKind::Generator,
            ..self
        }
    }

    /// The same problem, in other words.
    #[must_use]
    pub(crate) fn retold(self, text: String) -> Self {
        Self { text, ..self }
    }

    pub(crate) fn is_malformed_yaml(&self) -> bool {
        self.text.contains("MalformedYAMLError")
    }
}

impl From<tidegate_object::Error> for Error {
    fn from(error: tidegate_object::Error) -> Self {
        Self::text(error.to_string())
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        let kind = if matches!(error, FileError::Http(_)) {
            ErrorKind::Http
        } else {
            ErrorKind::Input
        };
        Self {
            kind,
            ..Self::text(error.to_string())
        }
    }
}

impl From<tidegate_yaml::Error> for Error {
    fn from(error: tidegate_yaml::Error) -> Self {
        Self::text(error.to_string())
    }
}

/// Text in Go's `%q` form.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                let _ = write!(quoted, "\\x{:02x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
