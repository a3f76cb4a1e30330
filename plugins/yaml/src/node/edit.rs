//! Making, reading and changing nodes.

use super::{Comments, Kind, Node, Style, Tag};
use crate::resolve;
use crate::scanner::Dialect;
use crate::value::Value;

impl Default for Node {
    /// A null.
    fn default() -> Self {
        Self::null()
    }
}

impl Node {
    /// A node with nothing but a kind and a tag.
    pub fn new(kind: Kind, tag: Tag) -> Self {
        Self {
            kind,
            tag,
            tagged: false,
            style: Style::Plain,
            anchor: None,
            comments: None,
            line: 0,
            column: 0,
        }
    }

    /// A null.
    pub fn null() -> Self {
        Self::new(Kind::Scalar("null".to_owned()), Tag::NULL)
    }

    /// A text; the emitters quote it if it looks like something else.
    pub fn string(text: impl Into<String>) -> Self {
        let text = text.into();
        let style = if text.contains('\n') {
            Style::Literal
        } else {
            Style::Plain
        };
        Self {
            style,
            ..Self::new(Kind::Scalar(text), Tag::STR)
        }
    }

    /// An integer.
    pub fn integer(value: i64) -> Self {
        Self::new(Kind::Scalar(value.to_string()), Tag::INT)
    }

    /// A boolean.
    pub fn boolean(value: bool) -> Self {
        Self::new(Kind::Scalar(value.to_string()), Tag::BOOL)
    }

    /// A block sequence.
    pub fn sequence(items: Vec<Self>) -> Self {
        Self::new(Kind::Sequence(items), Tag::SEQ)
    }

    /// A block mapping.
    pub fn mapping(entries: Vec<(Self, Self)>) -> Self {
        Self::new(Kind::Mapping(entries), Tag::MAP)
    }

    /// The text of a scalar of any type, without quotes.
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that is text.
    pub fn as_str(&self) -> Option<&str> {
        self.scalar().filter(|_| self.short_tag() == Tag::STR)
    }

    /// The value of a scalar that is a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.to_scalar()? {
            resolve::Scalar::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a scalar that is an integer.
    pub fn as_integer(&self) -> Option<i64> {
        match self.to_scalar()? {
            resolve::Scalar::Int(value) => Some(value),
            _ => None,
        }
    }

    fn to_scalar(&self) -> Option<resolve::Scalar> {
        if self.is_indicated_string() {
            return None;
        }
        resolve::resolve(Dialect::V3, self.tag.as_str(), self.scalar()?).ok()
    }

    /// Whether this is a null: `null`, `~` or nothing.
    pub fn is_null(&self) -> bool {
        self.short_tag() == Tag::NULL
    }

    /// Whether this is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self.kind, Kind::Mapping(_))
    }

    /// Whether this is a sequence.
    pub fn is_sequence(&self) -> bool {
        matches!(self.kind, Kind::Sequence(_))
    }

    /// Whether this is a scalar.
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar(_))
    }

    /// The tag, worked out from the value if the node has none (yaml.v3, `Node.ShortTag`).
    pub fn short_tag(&self) -> Tag {
        if self.is_indicated_string() {
            return Tag::STR;
        }
        if !self.tag.is_empty() && self.tag != "!" {
            return self.tag.clone();
        }
        match &self.kind {
            Kind::Mapping(_) => Tag::MAP,
            Kind::Sequence(_) => Tag::SEQ,
            Kind::Scalar(text) => resolve::resolve_plain(Dialect::V3, text).tag(),
            Kind::Alias(_) => Tag::NONE,
        }
    }

    /// Whether tag or quotes make a scalar a text (yaml.v3, `Node.indicatedString`).
    pub(crate) fn is_indicated_string(&self) -> bool {
        self.is_scalar()
            && (self.tag == Tag::STR
                || (self.tag.is_empty() || self.tag == "!") && self.style.is_quoting())
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The items of a sequence, to change.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The entries of a mapping, to change.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(Self, Self)>> {
        match &mut self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of the first entry whose key has this text.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, _)| name.scalar() == Some(key))
            .map(|(_, value)| value)
    }

    /// The value of the first entry whose key has this text, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.entries_mut()?
            .iter_mut()
            .find(|(name, _)| name.scalar() == Some(key))
            .map(|(_, value)| value)
    }

    /// The value below a path of keys.
    pub fn get_path(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The value below a path of keys, to change.
    pub fn get_path_mut(&mut self, path: &[&str]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, key| node.get_mut(key))
    }

    /// Replaces the value of the first entry with this key, or adds an entry at the end, and gives back the old
    /// value. The key keeps its style and comments. Nothing happens to a node that is not a mapping.
    pub fn set(&mut self, key: &str, value: Self) -> Option<Self> {
        if let Some(old) = self.get_mut(key) {
            return Some(std::mem::replace(old, value));
        }
        if let Some(entries) = self.entries_mut() {
            entries.push((Self::string(key), value));
        }
        None
    }

    /// Takes out the first entry with this key.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let entries = self.entries_mut()?;
        let at = entries
            .iter()
            .position(|(name, _)| name.scalar() == Some(key))?;
        Some(entries.remove(at).1)
    }

    /// The comments; empty if there are none.
    pub fn comments(&self) -> Comments {
        self.comments.as_deref().cloned().unwrap_or_default()
    }

    /// The comments, to change.
    pub fn comments_mut(&mut self) -> &mut Comments {
        self.comments.get_or_insert_default()
    }

    /// Drops all comments of this node and of everything below.
    pub fn clear_comments(&mut self) {
        self.comments = None;
        match &mut self.kind {
            Kind::Sequence(items) => items.iter_mut().for_each(Self::clear_comments),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    key.clear_comments();
                    value.clear_comments();
                }
            }
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
    }
}

impl From<&Value> for Node {
    /// The node that yaml.v3 would make of the value; the entries of mappings are sorted by key.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::null(),
            Value::Bool(value) => Self::boolean(*value),
            Value::Int(value) => Self::integer(*value),
            Value::Uint(value) => Self::new(Kind::Scalar(value.to_string()), Tag::INT),
            Value::Float(value) => Self::new(
                Kind::Scalar(crate::number::format_float(*value)),
                Tag::FLOAT,
            ),
            Value::String(text) => Self::string(text.as_str()),
            Value::Sequence(items) => Self::sequence(items.iter().map(Self::from).collect()),
            Value::Map(map) => Self::mapping(
                crate::emit::order::sorted_entries(map)
                    .into_iter()
                    .map(|(key, value)| (Self::string(key), Self::from(value)))
                    .collect(),
            ),
            Value::AnyMap(entries) => Self::mapping(
                entries
                    .iter()
                    .map(|(key, value)| (Self::from(key), Self::from(value)))
                    .collect(),
            ),
        }
    }
}
