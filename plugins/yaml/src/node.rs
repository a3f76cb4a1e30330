//! The tree of a document, as yaml.v3 shows it: values, styles, comments and places.

mod edit;
mod expand;

use std::borrow::Cow;
use std::fmt;

/// A node of a YAML document.
///
/// `PartialEq` compares everything, places and comments included.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value, or the children.
    pub kind: Kind,
    /// The tag in its short form: resolved from the text if the document did not give one. May be empty in a node
    /// made by hand, which means that the value decides.
    pub tag: Tag,
    /// Whether the document spelled the tag out.
    pub tagged: bool,
    /// How the node is written.
    pub style: Style,
    /// The name by which aliases refer to this node.
    pub anchor: Option<Box<str>>,
    /// The comments around the node; absent if there are none.
    pub comments: Option<Box<Comments>>,
    /// One-based line, 0 for a node made by hand.
    pub line: usize,
    /// One-based column in characters, 0 for a node made by hand.
    pub column: usize,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A text, number, boolean or null: the text without quotes and escapes.
    Scalar(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the document. Keys may repeat; decoding finds that out.
    Mapping(Vec<(Node, Node)>),
    /// A reference to the node before it that has this anchor.
    Alias(String),
}

/// How a node is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// Plain scalars and block collections.
    #[default]
    Plain,
    /// `'text'`
    SingleQuoted,
    /// `"text"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// `[a, b]` and `{a: b}`
    Flow,
}

impl Style {
    /// Whether a scalar in this style is text whatever it looks like.
    pub(crate) fn is_quoting(self) -> bool {
        matches!(
            self,
            Self::SingleQuoted | Self::DoubleQuoted | Self::Literal | Self::Folded
        )
    }
}

/// Comments of a node, each with its `#`, lines joined by line feeds, empty if absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comments {
    /// On the lines before the node.
    pub head: String,
    /// At the end of the node's line.
    pub line: String,
    /// On the lines after the node, before an empty line.
    pub foot: String,
}

impl Comments {
    /// Whether there is no comment at all.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}

/// A tag such as `!!str` or `!custom`; the tags of YAML's own types are in the short form.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Cow<'static, str>);

impl Tag {
    /// `!!null`
    pub const NULL: Self = Self(Cow::Borrowed("!!null"));
    /// `!!bool`
    pub const BOOL: Self = Self(Cow::Borrowed("!!bool"));
    /// `!!str`
    pub const STR: Self = Self(Cow::Borrowed("!!str"));
    /// `!!int`
    pub const INT: Self = Self(Cow::Borrowed("!!int"));
    /// `!!float`
    pub const FLOAT: Self = Self(Cow::Borrowed("!!float"));
    /// `!!timestamp`
    pub const TIMESTAMP: Self = Self(Cow::Borrowed("!!timestamp"));
    /// `!!binary`
    pub const BINARY: Self = Self(Cow::Borrowed("!!binary"));
    /// `!!merge`
    pub const MERGE: Self = Self(Cow::Borrowed("!!merge"));
    /// `!!seq`
    pub const SEQ: Self = Self(Cow::Borrowed("!!seq"));
    /// `!!map`
    pub const MAP: Self = Self(Cow::Borrowed("!!map"));
    /// No tag.
    pub const NONE: Self = Self(Cow::Borrowed(""));

    /// A tag from its short or long form.
    pub fn new(text: &str) -> Self {
        match text
            .strip_prefix(LONG_PREFIX)
            .or_else(|| text.strip_prefix("!!"))
        {
            Some("null") => Self::NULL,
            Some("bool") => Self::BOOL,
            Some("str") => Self::STR,
            Some("int") => Self::INT,
            Some("float") => Self::FLOAT,
            Some("timestamp") => Self::TIMESTAMP,
            Some("binary") => Self::BINARY,
            Some("merge") => Self::MERGE,
            Some("seq") => Self::SEQ,
            Some("map") => Self::MAP,
            Some(other) => Self(Cow::Owned(format!("!!{other}"))),
            None if text.is_empty() => Self::NONE,
            None => Self(Cow::Owned(text.to_owned())),
        }
    }

    /// The short form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The long form, as it stands for `!!x` in a document.
    pub(crate) fn to_long(&self) -> Cow<'_, str> {
        match self.0.strip_prefix("!!") {
            Some(name) => Cow::Owned(format!("{LONG_PREFIX}{name}")),
            None => Cow::Borrowed(&self.0),
        }
    }
}

/// What `!!` stands for.
const LONG_PREFIX: &str = "tag:yaml.org,2002:";

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Tag {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Tag {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}
