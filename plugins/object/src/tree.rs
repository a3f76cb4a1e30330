//! Reading and changing YAML trees the way kyaml does: with its loose rules on nulls, tags and styles, on which the
//! bytes of a build depend.

pub use tidegate_yaml::Node;

use tidegate_yaml::{Indent, Kind as NodeKind, Style, Tag};

use crate::error::{Error, ErrorKind};

/// What a node is, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, number, boolean or null.
    Scalar,
    /// A list.
    Sequence,
    /// Names and their values.
    Mapping,
}

impl Kind {
    fn upstream_name(self) -> &'static str {
        match self {
            Self::Scalar => "ScalarNode",
            Self::Sequence => "SequenceNode",
            Self::Mapping => "MappingNode",
        }
    }
}

/// kyaml's view of a node. Trees hold no aliases: readers expand them first.
pub trait Tree: Sized {
    /// What the node is.
    fn node_kind(&self) -> Kind;
    /// True for a null as read; a node that was made without a tag never is one, whatever its text.
    fn is_tagged_null(&self) -> bool;
    /// The text of a scalar as written, empty for collections.
    fn value(&self) -> &str;
    /// A null, an empty mapping or an empty sequence.
    fn is_nil_or_empty(&self) -> bool;
    /// A mapping without fields.
    fn is_empty_mapping(&self) -> bool;
    /// A scalar whose text decides what it is, as long as nothing quotes it.
    fn text(value: &str) -> Self;
    /// A node without content and tag.
    fn empty(kind: Kind) -> Self;
    /// Changes kind and tag; the text of a scalar that stays one is kept.
    fn turn_into(&mut self, kind: Kind, tag: Tag);
    /// The first field of that name.
    fn field(&self, name: &str) -> Option<&Self>;
    /// The first field of that name, to be changed.
    fn field_mut(&mut self, name: &str) -> Option<&mut Self>;
    /// Takes the first field of that name out.
    fn remove_field(&mut self, name: &str) -> Option<Self>;
    /// The text of a field, empty if it is missing.
    fn string_field(&self, name: &str) -> &str;
    /// The text of a field of `metadata`, empty if it is missing or null.
    fn metadata_field(&self, name: &str) -> &str;
    /// The elements; empties a node of another kind.
    fn list_mut(&mut self) -> &mut Vec<Self>;
    /// The fields; empties a node of another kind.
    fn fields_mut(&mut self) -> &mut Vec<(Self, Self)>;
    /// Gives a scalar (or null) a new text and tag; it keeps its style, and quotes keep it a string.
    fn set_scalar(&mut self, value: &str, tag: Tag) -> Result<(), Error>;
    /// Sets a field of a mapping; a null removes it. A present field gives its style to the new value.
    fn set_field(&mut self, name: &str, value: Self) -> Result<(), Error>;
    /// The field, made as an empty node of `kind` if it is missing.
    fn field_or_insert(&mut self, name: &str, kind: Kind) -> Result<&mut Self, Error>;
    /// A scalar as one line of YAML would write it.
    fn written(&self) -> String;
    /// Notes that this node is one with all others of the object that have the same number. In kyaml they are one
    /// node in several places, so that a change in one place shows in all.
    fn set_share(&mut self, share: usize);
    /// The number that [`set_share`](Self::set_share) gave.
    fn share(&self) -> Option<usize>;
    /// Takes the place of another node, for those that it is one with.
    fn keep_share_of(&mut self, other: &Self);
}

impl Tree for Node {
    fn node_kind(&self) -> Kind {
        match &self.kind {
            NodeKind::Scalar(_) | NodeKind::Alias(_) => Kind::Scalar,
            NodeKind::Sequence(_) => Kind::Sequence,
            NodeKind::Mapping(_) => Kind::Mapping,
        }
    }

    fn is_tagged_null(&self) -> bool {
        self.tag == Tag::NULL
    }

    fn value(&self) -> &str {
        self.scalar().unwrap_or_default()
    }

    fn is_nil_or_empty(&self) -> bool {
        match &self.kind {
            NodeKind::Sequence(items) => items.is_empty(),
            NodeKind::Mapping(entries) => entries.is_empty(),
            NodeKind::Scalar(_) | NodeKind::Alias(_) => self.is_tagged_null(),
        }
    }

    fn is_empty_mapping(&self) -> bool {
        matches!(&self.kind, NodeKind::Mapping(entries) if entries.is_empty())
    }

    fn text(value: &str) -> Self {
        Node::new(NodeKind::Scalar(value.to_owned()), Tag::NONE)
    }

    fn empty(kind: Kind) -> Self {
        let kind = match kind {
            Kind::Scalar => NodeKind::Scalar(String::new()),
            Kind::Sequence => NodeKind::Sequence(Vec::new()),
            Kind::Mapping => NodeKind::Mapping(Vec::new()),
        };
        Node::new(kind, Tag::NONE)
    }

    fn turn_into(&mut self, kind: Kind, tag: Tag) {
        if self.node_kind() != kind {
            self.kind = Node::empty(kind).kind;
        }
        self.tag = tag;
        self.tagged = false;
    }

    fn field(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }

    fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
        self.get_mut(name)
    }

    fn remove_field(&mut self, name: &str) -> Option<Self> {
        self.remove(name)
    }

    fn string_field(&self, name: &str) -> &str {
        self.get(name).map_or("", Tree::value)
    }

    fn metadata_field(&self, name: &str) -> &str {
        self.get("metadata")
            .and_then(|metadata| metadata.get(name))
            .filter(|field| !field.is_nil_or_empty())
            .map_or("", Tree::value)
    }

    fn list_mut(&mut self) -> &mut Vec<Self> {
        if !matches!(self.kind, NodeKind::Sequence(_)) {
            self.kind = NodeKind::Sequence(Vec::new());
        }
        match &mut self.kind {
            NodeKind::Sequence(items) => items,
            _ => unreachable!("made a sequence above"),
        }
    }

    fn fields_mut(&mut self) -> &mut Vec<(Self, Self)> {
        if !matches!(self.kind, NodeKind::Mapping(_)) {
            self.kind = NodeKind::Mapping(Vec::new());
        }
        match &mut self.kind {
            NodeKind::Mapping(entries) => entries,
            _ => unreachable!("made a mapping above"),
        }
    }

    fn set_scalar(&mut self, value: &str, tag: Tag) -> Result<(), Error> {
        if !self.is_tagged_null() && self.node_kind() != Kind::Scalar {
            return Err(wrong_kind(Kind::Scalar, self));
        }
        self.kind = NodeKind::Scalar(value.to_owned());
        self.tag = tag;
        self.tagged = false;
        Ok(())
    }

    fn set_field(&mut self, name: &str, mut value: Self) -> Result<(), Error> {
        if self.is_tagged_null() {
            // kyaml appends to the content of a null, which never shows.
            return Ok(());
        }
        if self.node_kind() != Kind::Mapping {
            return Err(wrong_kind(Kind::Mapping, self));
        }
        if value.is_tagged_null() {
            self.remove_field(name);
            return Ok(());
        }
        if let Some(field) = self.field_mut(name) {
            value.style = field.style;
            value.keep_share_of(field);
            *field = value;
            return Ok(());
        }
        if value.tag.is_empty() && value.is_scalar() {
            // kyaml quotes text that YAML 1.1 would read as something else.
            value.tag = Tag::STR;
        }
        self.fields_mut().push((Node::text(name), value));
        Ok(())
    }

    fn field_or_insert(&mut self, name: &str, kind: Kind) -> Result<&mut Self, Error> {
        if self.node_kind() != Kind::Mapping {
            return Err(wrong_kind(Kind::Mapping, self));
        }
        let entries = self.fields_mut();
        let at = entries
            .iter()
            .position(|(key, _)| key.value() == name)
            .unwrap_or_else(|| {
                entries.push((Node::text(name), Node::empty(kind)));
                entries.len() - 1
            });
        Ok(&mut entries[at].1)
    }

    fn set_share(&mut self, share: usize) {
        // No place in a document has this column.
        self.column = usize::MAX;
        self.line = share;
    }

    fn share(&self) -> Option<usize> {
        (self.column == usize::MAX).then_some(self.line)
    }

    fn keep_share_of(&mut self, other: &Self) {
        if let Some(share) = other.share() {
            self.set_share(share);
        }
    }

    fn written(&self) -> String {
        match self.style {
            Style::SingleQuoted => format!("'{}'", self.value().replace('\'', "''")),
            Style::DoubleQuoted => format!("\"{}\"", self.value()),
            _ => self.value().to_owned(),
        }
    }
}

/// A node of another kind stands where `expected` is needed.
pub fn wrong_kind(expected: Kind, found: &Node) -> Error {
    let actual = found.node_kind();
    let content = tidegate_yaml::emit_v3(found, Indent::KUSTOMIZE).unwrap_or_default();
    let text = format!(
        "wrong node kind: expected {} but got {}: node contents:\n{content}",
        expected.upstream_name(),
        actual.upstream_name(),
    );
    if expected == Kind::Scalar {
        Error::of_kind(text, ErrorKind::CollectionInsteadOfScalar)
    } else {
        Error::text(text)
    }
}
