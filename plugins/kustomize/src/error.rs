//! Why a build failed.

use std::fmt::Write as _;

use crate::FileError;

/// A failed build. `Display` prints what `kustomize build` prints after `Error: `, and in parentheses the file and
/// field at fault where kustomize names no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.with_place())]
pub struct Error {
    text: String,
    place: Option<Box<Place>>,
    kind: ErrorKind,
    warnings: Vec<String>,
}

/// How much of an error is quoted, in bytes.
const MAX_QUOTED: usize = 16 << 10;

/// What kustomize begins to show part of an object with.
const CONTENTS: &str = ": node contents:";

/// What comes before a key and its value.
const UNSUPPORTED_KEY: &str = "unsupported map key";

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

/// Where a mistake stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder of the kustomization that was being built. A text that has it in it names its place itself.
    pub(crate) folder: String,
    pub(crate) file: String,
    /// One-based, 0 if it is not known.
    pub(crate) line: usize,
    /// The object or field.
    pub(crate) what: String,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            place: None,
            kind: ErrorKind::Input,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            place: None,
            kind: ErrorKind::Unsupported,
            warnings: Vec::new(),
        }
    }

    /// The text alone, in kustomize's words where it has some.
    pub fn message(&self) -> &str {
        &self.text
    }

    /// Notes where the mistake stands, if that is not known more exactly yet.
    #[must_use]
    pub(crate) fn at(mut self, place: impl FnOnce() -> Place) -> Self {
        self.place.get_or_insert_with(|| Box::new(place()));
        self
    }

    /// The same problem, found in an object: if that is a Secret, what the text shows of it is left out.
    #[must_use]
    pub(crate) fn of_object(mut self, is_secret: bool) -> Self {
        if is_secret {
            for (shown, kept) in [(CONTENTS, 0), (UNSUPPORTED_KEY, UNSUPPORTED_KEY.len())] {
                if let Some(at) = self.text.find(shown) {
                    self.text.truncate(at + kept);
                }
            }
        }
        self
    }

    fn with_place(&self) -> String {
        let Some(place) = &self.place else {
            return self.text.clone();
        };
        if self.text.contains(&place.folder) {
            return self.text.clone();
        }
        let mut text = format!("{} ({}", self.text.trim_end(), place.file);
        if place.line > 0 {
            let _ = write!(text, ":{}", place.line);
        }
        if !place.what.is_empty() {
            let _ = write!(text, ": {}", place.what);
        }
        text.push(')');
        text
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

    /// The same problem as a quotation. Quotations of quotations double all backslashes, so long ones do without.
    #[must_use]
    pub(crate) fn quoted(self, context: &str) -> Self {
        let mut text = self.to_string();
        if text.len() <= MAX_QUOTED {
            text = quote(&text);
        }
        self.retold(format!("{context} {text}"))
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
