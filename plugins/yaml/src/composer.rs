//! Events to trees (decode.go, type `parser`).

use std::collections::BTreeMap;

use crate::decode::Budget;
use crate::error::{Error, MAX_DEPTH, too_deep};
use crate::node::{Comments, Kind, Node, Style, Tag};
use crate::parser::Parser;
use crate::parser::event::{Event, EventComments, EventKind, Properties};
use crate::resolve;
use crate::scanner::token::ScalarStyle;
use crate::scanner::{Dialect, Fault, FaultKind};
use crate::source::Source;

/// A document of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The top node.
    pub root: Node,
    /// The comment at the start of the document, set apart from the first node by an empty line.
    pub head_comment: String,
    /// The comment at the end of the document.
    pub foot_comment: String,
}

impl Document {
    /// The root, with the comment at the end of the document as its own: it is written in the same place.
    pub fn into_root(mut self) -> Node {
        if !self.foot_comment.is_empty() {
            self.root.comments_mut().foot = self.foot_comment;
        }
        self.root
    }
}

/// Where the next event comes from, and how far it may be read.
pub(crate) struct Composer<'a> {
    parser: Parser<'a>,
    text_length: usize,
    failure: Option<&'static str>,
    dialect: Dialect,
    next: Option<Event>,
    depth: usize,
    /// Anchors seen so far, with the document they stand in.
    anchors: BTreeMap<String, usize>,
    /// Keeps aliases to earlier documents from copying too much.
    budget: Budget,
}

impl<'a> Composer<'a> {
    pub(crate) fn new(source: &'a Source<'_>, dialect: Dialect) -> Self {
        Self {
            parser: Parser::new(&source.text, dialect),
            text_length: source.text.len(),
            failure: source.failure,
            dialect,
            next: None,
            depth: 0,
            anchors: BTreeMap::new(),
            budget: Budget::default(),
        }
    }

    /// The next document of the stream. `previous` are the documents before it: an alias may refer to them.
    pub(crate) fn next_document(
        &mut self,
        previous: &[Document],
    ) -> Result<Option<Document>, Error> {
        if matches!(self.peek()?, EventKind::StreamStart) {
            self.take()?;
        }
        if matches!(self.peek()?, EventKind::StreamEnd) {
            return match self.failure {
                Some(problem) => Err(Error::problem(problem)),
                None => Ok(None),
            };
        }
        let start = self.take()?;
        if self.dialect == Dialect::V2 {
            self.anchors.clear();
        }
        let root = self.compose_node(previous)?;
        let end = self.take()?;
        if let Some(problem) = self.reached_failure() {
            return Err(Error::problem(problem));
        }
        Ok(Some(Document {
            root,
            head_comment: start.comments.head,
            foot_comment: end.comments.foot,
        }))
    }

    fn peek(&mut self) -> Result<&EventKind, Error> {
        if self.next.is_none() {
            self.next = Some(self.read()?);
        }
        Ok(self
            .next
            .as_ref()
            .map_or(&EventKind::StreamEnd, |event| &event.kind))
    }

    fn take(&mut self) -> Result<Event, Error> {
        match self.next.take() {
            Some(event) => Ok(event),
            None => self.read(),
        }
    }

    fn read(&mut self) -> Result<Event, Error> {
        self.parser
            .next_event()
            .map_err(|fault| match self.reached_failure() {
                Some(problem) => Error::problem(problem),
                None => to_error(fault, self.dialect),
            })
    }

    /// What is wrong with the character after the text, if the scanner has come to look at it.
    fn reached_failure(&self) -> Option<&'static str> {
        self.failure
            .filter(|_| self.parser.position() + 4 > self.text_length)
    }

    fn compose_node(&mut self, previous: &[Document]) -> Result<Node, Error> {
        self.budget.step(false)?;
        let event = self.take()?;
        let (line, column) = (event.start.line + 1, event.start.column + 1);
        let comments = to_comments(event.comments);
        let mut node = match event.kind {
            EventKind::Scalar {
                properties,
                value,
                style,
            } => self.compose_scalar(properties, value, style, previous.len()),
            EventKind::Alias(name) => self.compose_alias(name, previous)?,
            EventKind::SequenceStart {
                properties,
                is_flow,
            } => {
                let mut node = self.begin_collection(
                    properties,
                    is_flow,
                    Kind::Sequence(Vec::new()),
                    Tag::SEQ,
                    previous.len(),
                );
                self.enter(line)?;
                node.comments = comments;
                self.compose_items(&mut node, previous)?;
                self.depth -= 1;
                return Ok(Node {
                    line,
                    column,
                    ..node
                });
            }
            EventKind::MappingStart {
                properties,
                is_flow,
            } => {
                let mut node = self.begin_collection(
                    properties,
                    is_flow,
                    Kind::Mapping(Vec::new()),
                    Tag::MAP,
                    previous.len(),
                );
                self.enter(line)?;
                node.comments = comments;
                self.compose_entries(&mut node, previous)?;
                self.depth -= 1;
                return Ok(Node {
                    line,
                    column,
                    ..node
                });
            }
            EventKind::StreamStart
            | EventKind::StreamEnd
            | EventKind::DocumentStart
            | EventKind::DocumentEnd
            | EventKind::SequenceEnd
            | EventKind::MappingEnd => {
                return Err(Error::problem(
                    "attempted to go past the end of stream; corrupted value?",
                ));
            }
        };
        node.comments = comments;
        Ok(Node {
            line,
            column,
            ..node
        })
    }

    fn enter(&mut self, line: usize) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(too_deep(Some(line)))
        } else {
            Ok(())
        }
    }

    fn compose_scalar(
        &mut self,
        properties: Properties,
        value: String,
        style: ScalarStyle,
        document: usize,
    ) -> Node {
        // yaml.v2 tells `!` from no tag, and does not work out the tags of untagged scalars.
        let tag = if self.dialect == Dialect::V2 || has_tag(&properties) {
            Tag::new(&properties.tag)
        } else if style != ScalarStyle::Plain {
            Tag::STR
        } else if value == "<<" {
            Tag::MERGE
        } else {
            resolve::resolve_plain(self.dialect, &value).tag()
        };
        let tagged = has_tag(&properties);
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let anchor = self.register_anchor(properties.anchor, document);
        Node {
            tagged,
            style,
            anchor,
            ..Node::new(Kind::Scalar(value), tag)
        }
    }

    fn begin_collection(
        &mut self,
        properties: Properties,
        is_flow: bool,
        kind: Kind,
        default: Tag,
        document: usize,
    ) -> Node {
        let tagged = has_tag(&properties);
        let tag = if tagged {
            Tag::new(&properties.tag)
        } else {
            default
        };
        let style = if is_flow { Style::Flow } else { Style::Plain };
        let anchor = self.register_anchor(properties.anchor, document);
        Node {
            tagged,
            style,
            anchor,
            ..Node::new(kind, tag)
        }
    }

    fn register_anchor(&mut self, anchor: Option<String>, document: usize) -> Option<Box<str>> {
        let anchor = anchor?;
        let name = anchor.clone().into_boxed_str();
        self.anchors.insert(anchor, document);
        Some(name)
    }

    fn compose_alias(&mut self, name: String, previous: &[Document]) -> Result<Node, Error> {
        match self.anchors.get(&name) {
            None => Err(Error::problem(format!(
                "unknown anchor '{name}' referenced"
            ))),
            // An alias cannot leave its tree: what it refers to in an earlier document is copied.
            Some(&document) if document < previous.len() => {
                let Some(target) = find_anchor(&previous[document].root, &name) else {
                    return Err(Error::problem(format!(
                        "unknown anchor '{name}' referenced"
                    )));
                };
                self.count(target)?;
                Ok(target.clone())
            }
            Some(_) => Ok(Node::new(Kind::Alias(name), Tag::NONE)),
        }
    }

    /// Counts the nodes of a copy.
    fn count(&mut self, node: &Node) -> Result<(), Error> {
        self.budget.step(true)?;
        match &node.kind {
            Kind::Scalar(_) | Kind::Alias(_) => Ok(()),
            Kind::Sequence(items) => items.iter().try_for_each(|item| self.count(item)),
            Kind::Mapping(entries) => entries.iter().try_for_each(|(key, value)| {
                self.count(key)?;
                self.count(value)
            }),
        }
    }

    fn compose_items(&mut self, node: &mut Node, previous: &[Document]) -> Result<(), Error> {
        let mut items = Vec::new();
        while !matches!(self.peek()?, EventKind::SequenceEnd) {
            items.push(self.compose_node(previous)?);
        }
        let end = self.take()?;
        set_end_comments(node, end.comments);
        node.kind = Kind::Sequence(items);
        Ok(())
    }

    fn compose_entries(&mut self, node: &mut Node, previous: &[Document]) -> Result<(), Error> {
        let is_block = node.style != Style::Flow;
        let mut entries: Vec<(Node, Node)> = Vec::new();
        while !matches!(self.peek()?, EventKind::MappingEnd) {
            let mut key = self.compose_node(previous)?;
            if is_block && let Some((last, _)) = entries.last_mut() {
                // A foot above a key belongs to the entry before it.
                move_foot(&mut key, last, true);
            }
            let mut value = self.compose_node(previous)?;
            move_foot(&mut value, &mut key, false);
            entries.push((key, value));
        }
        let end = self.take()?;
        set_end_comments(node, end.comments);
        if is_block && let Some((last, _)) = entries.last_mut() {
            move_foot(node, last, true);
        }
        node.kind = Kind::Mapping(entries);
        Ok(())
    }
}

fn has_tag(properties: &Properties) -> bool {
    !properties.tag.is_empty() && properties.tag != "!"
}

fn to_comments(comments: EventComments) -> Option<Box<Comments>> {
    let EventComments { head, line, foot } = comments;
    let comments = Comments { head, line, foot };
    if comments.is_empty() {
        None
    } else {
        Some(Box::new(comments))
    }
}

/// The end of a collection decides about the comments after it.
fn set_end_comments(node: &mut Node, end: EventComments) {
    if node.comments.is_none() && end.line.is_empty() && end.foot.is_empty() {
        return;
    }
    let comments = node.comments_mut();
    comments.line = end.line;
    comments.foot = end.foot;
    if comments.is_empty() {
        node.comments = None;
    }
}

/// Moves a foot comment from one node to another.
fn move_foot(from: &mut Node, to: &mut Node, replace: bool) {
    let Some(comments) = from
        .comments
        .as_deref_mut()
        .filter(|comments| !comments.foot.is_empty())
    else {
        return;
    };
    if !replace
        && to
            .comments
            .as_deref()
            .is_some_and(|comments| !comments.foot.is_empty())
    {
        return;
    }
    let foot = std::mem::take(&mut comments.foot);
    if comments.is_empty() {
        from.comments = None;
    }
    to.comments_mut().foot = foot;
}

/// The last node with this anchor.
fn find_anchor<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let below = match &node.kind {
        Kind::Sequence(items) => items.iter().rev().find_map(|item| find_anchor(item, name)),
        Kind::Mapping(entries) => entries
            .iter()
            .rev()
            .find_map(|(key, value)| find_anchor(value, name).or_else(|| find_anchor(key, name))),
        Kind::Scalar(_) | Kind::Alias(_) => None,
    };
    below.or_else(|| (node.anchor.as_deref() == Some(name)).then_some(node))
}

/// Works out the line that go-yaml reports (decode.go, `parser.fail`; the two versions differ).
fn to_error(Fault(fault): Fault, dialect: Dialect) -> Error {
    let scanner_offset = usize::from(fault.kind == FaultKind::Scanner);
    let (context, at) = (fault.context.line, fault.at.line);
    let line = match dialect {
        Dialect::V3 if context != 0 => context + scanner_offset,
        _ if at != 0 => at + scanner_offset,
        Dialect::V2 => context,
        Dialect::V3 => 0,
    };
    Error::Syntax {
        line: (line != 0).then_some(line),
        problem: fault.problem,
    }
}
