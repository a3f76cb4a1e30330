//! Trees as yaml.v3's encoder prints them, with comments and styles (encode.go and emitterc.go of
//! go.yaml.in/yaml/v3).
//!
//! The emitter of go-yaml takes events, and handles the comments of a collection's start before its children and
//! those of its end whenever it next looks for comments. The walk here keeps that order: `start_node` is one event,
//! and the children come after the comments.

mod comment;
mod flow;
mod style;

use super::writer::{Flavor, Writer};
use crate::composer::Document;
use crate::error::{Error, MAX_DEPTH, too_deep};
use crate::node::{Comments, Kind, Node, Style};
use style::Presentation;

/// How the encoder indents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indent {
    /// Columns of a level, 2 to 9.
    pub spaces: usize,
    /// Whether a sequence stands in the column of its key (for two columns a level).
    pub compact_sequences: bool,
}

impl Indent {
    /// What kustomize sets: two columns, sequences in the column of their key.
    pub const KUSTOMIZE: Self = Self {
        spaces: 2,
        compact_sequences: true,
    };
    /// What yaml.v3 does if nothing is set.
    pub const DEFAULT: Self = Self {
        spaces: 4,
        compact_sequences: false,
    };
}

impl Default for Indent {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A longer key is written after a `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    BlockItem,
    FlowItem,
    SimpleKey,
    Key,
    Value,
}

impl Place {
    /// Whether the collection around is a mapping.
    fn is_in_mapping(self) -> bool {
        matches!(self, Self::SimpleKey | Self::Key | Self::Value)
    }
}

struct Emitter {
    writer: Writer,
    indent: Indent,
    flow_level: usize,
    depth: usize,
    /// Comments that wait for their place.
    head: String,
    line: String,
    foot: String,
    /// The foot of the key before.
    tail: String,
    key_line: String,
}

/// Writes one document.
pub(crate) fn emit(root: &Node, indent: Indent) -> Result<String, Error> {
    let mut emitter = Emitter::new(indent);
    emitter.write_document("", root, "", true)?;
    Ok(emitter.writer.out)
}

/// Writes several documents.
pub(crate) fn emit_stream(documents: &[Document], indent: Indent) -> Result<String, Error> {
    let mut emitter = Emitter::new(indent);
    for (at, document) in documents.iter().enumerate() {
        emitter.write_document(
            &document.head_comment,
            &document.root,
            &document.foot_comment,
            at == 0,
        )?;
    }
    Ok(emitter.writer.out)
}

impl Emitter {
    fn new(indent: Indent) -> Self {
        let spaces = if (2..=9).contains(&indent.spaces) {
            indent.spaces
        } else {
            2
        };
        Self {
            writer: Writer::new(Flavor::V3),
            indent: Indent { spaces, ..indent },
            flow_level: 0,
            depth: 0,
            head: String::new(),
            line: String::new(),
            foot: String::new(),
            tail: String::new(),
            key_line: String::new(),
        }
    }

    fn write_document(
        &mut self,
        head: &str,
        root: &Node,
        foot: &str,
        is_first: bool,
    ) -> Result<(), Error> {
        self.note_comments(head, "", "", "");
        if !is_first {
            self.writer.write_indent();
            self.writer.write_indicator("---", true, false, false);
            self.writer.write_indent();
        }
        if !self.head.is_empty() {
            self.write_head_comment();
            self.writer.put_break();
        }
        self.announce(root, "");
        self.write_head_comment();
        let presentation = self.start_node(root, Place::Root);
        self.write_line_comment(false);
        self.write_foot_comment();
        self.write_children(root, &presentation, Place::Root)?;
        self.note_comments("", "", foot, "");
        self.writer.foot_indent = 0;
        self.write_foot_comment();
        self.writer.foot_indent = -1;
        self.writer.write_indent();
        Ok(())
    }

    /// Takes over the comments of the event that a node begins with.
    fn announce(&mut self, node: &Node, tail: &str) {
        let empty = Comments::default();
        let comments = node.comments.as_deref().unwrap_or(&empty);
        match node.kind {
            Kind::Scalar(_) => {
                self.note_comments(&comments.head, &comments.line, &comments.foot, tail);
            }
            Kind::Alias(_) => {
                self.note_comments(&comments.head, &comments.line, &comments.foot, "");
            }
            Kind::Mapping(_) => self.note_comments(&comments.head, "", "", tail),
            Kind::Sequence(_) => self.note_comments(&comments.head, "", "", ""),
        }
    }

    /// Takes over the comments of the event that a collection ends with.
    fn announce_end(&mut self, node: &Node, tail: &str) {
        let empty = Comments::default();
        let comments = node.comments.as_deref().unwrap_or(&empty);
        self.note_comments("", &comments.line, &comments.foot, tail);
    }

    /// Writes a scalar or an alias, or what stands before the children of a collection.
    fn start_node(&mut self, node: &Node, place: Place) -> Presentation {
        let presentation = Presentation::of(node);
        match &node.kind {
            Kind::Alias(name) => {
                self.writer.write_indicator("*", true, false, false);
                self.write_name(name);
            }
            Kind::Scalar(text) => {
                self.write_anchor(node);
                self.write_tag(&presentation);
                self.write_scalar(text, &presentation, place);
            }
            Kind::Sequence(_) | Kind::Mapping(_) => {
                self.write_anchor(node);
                self.write_tag(&presentation);
            }
        }
        presentation
    }

    fn write_children(
        &mut self,
        node: &Node,
        presentation: &Presentation,
        place: Place,
    ) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep(None));
        }
        let is_flow = self.flow_level > 0 || presentation.style == Style::Flow;
        match &node.kind {
            Kind::Sequence(items) if is_flow || items.is_empty() => {
                self.write_flow_sequence(node, items, place)?;
            }
            Kind::Sequence(items) => self.write_block_sequence(node, items, place)?,
            Kind::Mapping(entries) if is_flow || entries.is_empty() => {
                self.write_flow_mapping(node, entries, place)?;
            }
            Kind::Mapping(entries) => self.write_block_mapping(node, entries, place)?,
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
        self.depth -= 1;
        Ok(())
    }

    /// Goes one level deeper and gives back the level before.
    fn increase_indent(&mut self, flow: bool, place: Place, compact: bool) -> i64 {
        let outer = self.writer.indent;
        let spaces = i64::try_from(self.indent.spaces).unwrap_or(2);
        self.writer.indent = if outer < 0 {
            if flow { spaces } else { 0 }
        } else if place == Place::BlockItem {
            // The first indent inside of a sequence only skips the `- `.
            outer + 2
        } else {
            spaces * ((outer + spaces) / spaces) - if compact { 2 } else { 0 }
        };
        outer
    }

    fn write_block_sequence(
        &mut self,
        node: &Node,
        items: &[Node],
        place: Place,
    ) -> Result<(), Error> {
        let compact = place.is_in_mapping()
            && (self.writer.column == 0 || !self.writer.indention)
            && self.indent.compact_sequences;
        let outer = self.increase_indent(false, place, compact);
        for item in items {
            self.announce(item, "");
            self.write_head_comment();
            self.writer.write_indent();
            self.writer.write_indicator("-", true, false, true);
            let presentation = self.start_node(item, Place::BlockItem);
            self.write_line_comment(false);
            self.write_foot_comment();
            self.write_children(item, &presentation, Place::BlockItem)?;
        }
        self.announce_end(node, "");
        self.writer.indent = outer;
        Ok(())
    }

    fn write_block_mapping(
        &mut self,
        node: &Node,
        entries: &[(Node, Node)],
        place: Place,
    ) -> Result<(), Error> {
        let outer = self.increase_indent(false, place, false);
        let mut tail = String::new();
        for (key, value) in entries {
            let foot = self.announce_key(key, &tail);
            tail = foot;
            self.write_head_comment();
            self.writer.write_indent();
            if !self.line.is_empty() {
                self.key_line = std::mem::take(&mut self.line);
            }
            let is_simple = is_simple_key(key);
            if is_simple {
                let presentation = self.start_node(key, Place::SimpleKey);
                self.write_children(key, &presentation, Place::SimpleKey)?;
                self.announce(value, "");
                self.writer.write_indicator(":", false, false, false);
            } else {
                self.writer.write_indicator("?", true, false, true);
                let presentation = self.start_node(key, Place::Key);
                self.write_children(key, &presentation, Place::Key)?;
                self.announce(value, "");
                self.writer.write_indent();
                self.writer.write_indicator(":", true, false, true);
            }
            self.place_key_comment(value);
            let presentation = self.start_node(value, Place::Value);
            self.write_line_comment(false);
            self.write_foot_comment();
            self.write_children(value, &presentation, Place::Value)?;
        }
        self.announce_end(node, &tail);
        self.write_head_comment();
        self.writer.indent = outer;
        Ok(())
    }

    /// Takes over the comments of a key but its foot, which is given back: it comes after the value.
    fn announce_key(&mut self, key: &Node, tail: &str) -> String {
        match key.comments.as_deref() {
            Some(comments) if !comments.foot.is_empty() => {
                let without_foot = Comments {
                    foot: String::new(),
                    ..comments.clone()
                };
                let bare = Node {
                    comments: Some(Box::new(without_foot)),
                    ..Node::new(empty_kind(key), key.tag.clone())
                };
                self.announce(&bare, tail);
                comments.foot.clone()
            }
            _ => {
                self.announce(key, tail);
                String::new()
            }
        }
    }

    /// A comment on the line of a key goes to a scalar value, or stands before a block.
    fn place_key_comment(&mut self, value: &Node) {
        if self.key_line.is_empty() {
            return;
        }
        match value.kind {
            Kind::Scalar(_) if self.line.is_empty() => {
                self.line = std::mem::take(&mut self.key_line);
            }
            Kind::Mapping(_) | Kind::Sequence(_) if value.style != Style::Flow => {
                std::mem::swap(&mut self.line, &mut self.key_line);
                self.write_line_comment(false);
                std::mem::swap(&mut self.line, &mut self.key_line);
            }
            _ => {}
        }
    }
}

/// A kind of the same sort without content.
fn empty_kind(node: &Node) -> Kind {
    match node.kind {
        Kind::Scalar(_) => Kind::Scalar(String::new()),
        Kind::Alias(_) => Kind::Alias(String::new()),
        Kind::Sequence(_) => Kind::Sequence(Vec::new()),
        Kind::Mapping(_) => Kind::Mapping(Vec::new()),
    }
}

/// Whether a key can do without a `?`.
fn is_simple_key(key: &Node) -> bool {
    let anchor = key.anchor.as_deref().map_or(0, str::len);
    let length = match &key.kind {
        Kind::Alias(name) => name.len(),
        Kind::Scalar(text) => {
            if crate::characters::has_break(text) {
                return false;
            }
            anchor + Presentation::of(key).tag_length() + text.len()
        }
        Kind::Sequence(items) if items.is_empty() => anchor + Presentation::of(key).tag_length(),
        Kind::Mapping(entries) if entries.is_empty() => anchor + Presentation::of(key).tag_length(),
        Kind::Sequence(_) | Kind::Mapping(_) => return false,
    };
    length <= MAX_SIMPLE_KEY
}
