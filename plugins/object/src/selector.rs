//! Selection of objects by patterns of type, name and namespace, and by labels and annotations.

use crate::{Error, Gvk, ObjectId};

/// What a `target` of a patch or a `select` of a replacement says. Type, name and namespace are regular expressions
/// that must match as a whole; empty ones match anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// Patterns of type, name and namespace.
    pub id: ObjectId,
    /// As the API takes it; empty matches anything.
    pub label_selector: String,
    /// The same for annotations.
    pub annotation_selector: String,
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:a={}:l={}",
            self.id, self.annotation_selector, self.label_selector
        )
    }
}

/// The compiled patterns of a [`Selector`].
#[derive(Debug)]
pub struct SelectorPatterns {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
}

impl SelectorPatterns {
    /// Compiles the patterns of type, name and namespace; an error where one is no regular expression.
    pub fn compile(selector: &Selector) -> Result<Self, Error> {
        Ok(Self {
            group: Pattern::anchored(&selector.id.gvk.group)?,
            version: Pattern::anchored(&selector.id.gvk.version)?,
            kind: Pattern::anchored(&selector.id.gvk.kind)?,
            name: Pattern::anchored(&selector.id.name)?,
            namespace: Pattern::anchored(&selector.id.namespace)?,
        })
    }

    /// Whether group, version and kind match.
    pub fn matches_type(&self, gvk: &Gvk) -> bool {
        self.group.matches(&gvk.group)
            && self.version.matches(&gvk.version)
            && self.kind.matches(&gvk.kind)
    }

    /// Whether a name matches.
    pub fn matches_name(&self, name: &str) -> bool {
        self.name.matches(name)
    }

    /// Whether a namespace matches.
    pub fn matches_namespace(&self, namespace: &str) -> bool {
        self.namespace.matches(namespace)
    }
}

/// A regular expression in Go's syntax; text without special characters never reaches the expression engine.
#[derive(Debug)]
pub enum Pattern {
    /// Matches every text.
    Any,
    /// Matches one text.
    Exact(String),
    /// Matches what the expression says.
    Expression(regex::Regex),
}

impl Pattern {
    /// Must match the whole text; the empty pattern matches anything.
    pub fn anchored(pattern: &str) -> Result<Self, Error> {
        if pattern.is_empty() {
            return Ok(Self::Any);
        }
        if is_plain(pattern) {
            return Ok(Self::Exact(pattern.to_owned()));
        }
        compile(&format!("^(?:{pattern})$")).map(Self::Expression)
    }

    /// Whether `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == text,
            Self::Expression(expression) => expression.is_match(text),
        }
    }
}

/// A regular expression that may match anywhere in a text.
#[derive(Debug)]
pub enum FreePattern {
    /// Matches what holds this text.
    Plain(String),
    /// Matches what the expression finds something in.
    Expression(regex::Regex),
}

impl FreePattern {
    /// Reads a pattern; an error where it is no regular expression.
    pub fn compile(pattern: &str) -> Result<Self, Error> {
        if is_plain(pattern) {
            return Ok(Self::Plain(pattern.to_owned()));
        }
        compile(pattern).map(Self::Expression)
    }

    /// Whether `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Plain(plain) => text.contains(plain.as_str()),
            Self::Expression(expression) => expression.is_match(text),
        }
    }
}

fn is_plain(pattern: &str) -> bool {
    !pattern.contains([
        '\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$',
    ])
}

fn compile(pattern: &str) -> Result<regex::Regex, Error> {
    regex::Regex::new(pattern)
        .map_err(|error| Error::text(format!("error parsing regexp: {}", reason(&error))))
}

/// The engine's explanation without its drawing of the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned()
}
