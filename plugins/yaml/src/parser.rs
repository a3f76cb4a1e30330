//! Tokens to events: libyaml's grammar as go-yaml has it.

mod block;
pub(crate) mod event;
mod flow;
mod node;

use std::borrow::Cow;

use crate::scanner::token::{Mark, ScalarStyle, Token, TokenKind};
use crate::scanner::{Dialect, Fault, FaultDetail, FaultKind, Scan, Scanner};
use event::{Event, EventComments, EventKind, Properties};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    BlockNode,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

#[derive(Debug)]
pub(crate) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    /// Where to go on after the current node.
    states: Vec<State>,
    /// Starts of the open collections, for messages.
    marks: Vec<Mark>,
    /// Handles and prefixes of the document.
    tag_directives: Vec<(String, String)>,
    comments: EventComments,
    /// The head of a collection below a sequence entry, as opposed to the head of its first child.
    stem_comment: Option<String>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a [u8], dialect: Dialect) -> Self {
        Self {
            scanner: Scanner::new(text, dialect),
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_directives: Vec::new(),
            comments: EventComments::default(),
            stem_comment: None,
        }
    }

    /// Bytes looked at so far.
    pub(crate) fn position(&self) -> usize {
        self.scanner.position()
    }

    /// The next event; after the end of the stream, the end again.
    pub(crate) fn next_event(&mut self) -> Scan<Event> {
        if self.scanner.is_finished() || self.state == State::End {
            return Ok(Event::new(EventKind::StreamEnd, Mark::default()));
        }
        match self.state {
            State::StreamStart => {
                let start = self.take()?.start;
                self.state = State::ImplicitDocumentStart;
                Ok(Event::new(EventKind::StreamStart, start))
            }
            State::ImplicitDocumentStart => self.parse_document_start(true),
            State::DocumentStart => self.parse_document_start(false),
            State::DocumentContent => self.parse_document_content(),
            State::DocumentEnd => self.parse_document_end(),
            State::BlockNode => self.parse_node(true, false),
            State::BlockSequenceFirstEntry => self.parse_block_sequence_entry(true),
            State::BlockSequenceEntry => self.parse_block_sequence_entry(false),
            State::IndentlessSequenceEntry => self.parse_indentless_sequence_entry(),
            State::BlockMappingFirstKey => self.parse_block_mapping_key(true),
            State::BlockMappingKey => self.parse_block_mapping_key(false),
            State::BlockMappingValue => self.parse_block_mapping_value(),
            State::FlowSequenceFirstEntry => self.parse_flow_sequence_entry(true),
            State::FlowSequenceEntry => self.parse_flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.parse_flow_sequence_entry_mapping_key(),
            State::FlowSequenceEntryMappingValue => self.parse_flow_sequence_entry_mapping_value(),
            State::FlowSequenceEntryMappingEnd => {
                let start = self.peek()?.start;
                self.state = State::FlowSequenceEntry;
                Ok(Event::new(EventKind::MappingEnd, start))
            }
            State::FlowMappingFirstKey => self.parse_flow_mapping_key(true),
            State::FlowMappingKey => self.parse_flow_mapping_key(false),
            State::FlowMappingValue => self.parse_flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.parse_flow_mapping_value(true),
            State::End => Ok(Event::new(EventKind::StreamEnd, Mark::default())),
        }
    }

    /// The next token, after taking over the comments tied to places up to it.
    fn peek(&mut self) -> Scan<&Token> {
        let token = self.scanner.peek_token()?;
        let (start, is_block_end) = (token.start, matches!(token.kind, TokenKind::BlockEnd));
        while let Some(comment) = self.scanner.next_comment(start, is_block_end) {
            append_line(&mut self.comments.head, comment.head);
            append_line(&mut self.comments.foot, comment.foot);
            append_line(&mut self.comments.line, comment.line);
        }
        self.scanner.peek_token()
    }

    fn peek_kind(&mut self) -> Scan<&TokenKind> {
        Ok(&self.peek()?.kind)
    }

    /// Takes the next token.
    fn take(&mut self) -> Scan<Token> {
        self.peek()?;
        self.skip_token()
    }

    /// Takes the token that was peeked at.
    fn skip_token(&mut self) -> Scan<Token> {
        match self.scanner.take_token() {
            Some(token) => Ok(token),
            None => Err(Self::fault(
                Mark::default(),
                "unknown problem parsing YAML content",
                Mark::default(),
            )),
        }
    }

    fn fault(context: Mark, problem: impl Into<Cow<'static, str>>, at: Mark) -> Fault {
        Fault(Box::new(FaultDetail {
            kind: FaultKind::Parser,
            context,
            at,
            problem: problem.into(),
        }))
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// The mark of the innermost open collection, which is closed.
    fn pop_mark(&mut self) -> Mark {
        self.marks.pop().unwrap_or_default()
    }

    /// Gives the gathered comments to an event.
    fn with_comments(&mut self, mut event: Event) -> Event {
        event.comments = std::mem::take(&mut self.comments);
        self.stem_comment = None;
        event
    }

    fn empty_scalar(start: Mark) -> Event {
        let kind = EventKind::Scalar {
            properties: Properties::default(),
            value: String::new(),
            style: ScalarStyle::Plain,
        };
        Event::new(kind, start)
    }

    fn parse_document_start(&mut self, implicit: bool) -> Scan<Event> {
        if !implicit {
            while matches!(self.peek_kind()?, TokenKind::DocumentEnd) {
                self.skip_token()?;
            }
        }
        let token = self.peek()?;
        let start = token.start;
        match token.kind {
            TokenKind::StreamEnd => {
                self.state = State::End;
                self.skip_token()?;
                Ok(Event::new(EventKind::StreamEnd, start))
            }
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart => self.parse_explicit_document_start(start),
            _ if !implicit => self.parse_explicit_document_start(start),
            _ => {
                self.process_directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                let mut event = Event::new(EventKind::DocumentStart, start);
                event.comments.head = split_document_comment(&mut self.comments.head);
                Ok(event)
            }
        }
    }

    fn parse_explicit_document_start(&mut self, start: Mark) -> Scan<Event> {
        self.process_directives()?;
        let token = self.peek()?;
        if !matches!(token.kind, TokenKind::DocumentStart) {
            let at = token.start;
            return Err(Self::fault(
                Mark::default(),
                "did not find expected <document start>",
                at,
            ));
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.skip_token()?;
        Ok(Event::new(EventKind::DocumentStart, start))
    }

    fn parse_document_content(&mut self) -> Scan<Event> {
        let token = self.peek()?;
        let is_empty = matches!(
            token.kind,
            TokenKind::VersionDirective { .. }
                | TokenKind::TagDirective { .. }
                | TokenKind::DocumentStart
                | TokenKind::DocumentEnd
                | TokenKind::StreamEnd
        );
        if is_empty {
            let start = token.start;
            self.pop_state();
            return Ok(Self::empty_scalar(start));
        }
        self.parse_node(true, false)
    }

    fn parse_document_end(&mut self) -> Scan<Event> {
        let token = self.peek()?;
        let start = token.start;
        if matches!(token.kind, TokenKind::DocumentEnd) {
            self.skip_token()?;
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        let mut event = self.with_comments(Event::new(EventKind::DocumentEnd, start));
        if event.comments.foot.is_empty() {
            event.comments.foot = std::mem::take(&mut event.comments.head);
        }
        Ok(event)
    }

    fn process_directives(&mut self) -> Scan<()> {
        let mut has_version = false;
        loop {
            let token = self.peek()?;
            let start = token.start;
            match token.kind {
                TokenKind::VersionDirective { .. } if has_version => {
                    return Err(Self::fault(
                        Mark::default(),
                        "found duplicate %YAML directive",
                        start,
                    ));
                }
                TokenKind::VersionDirective { major: 1, minor: 1 } => has_version = true,
                TokenKind::VersionDirective { .. } => {
                    return Err(Self::fault(
                        Mark::default(),
                        "found incompatible YAML document",
                        start,
                    ));
                }
                TokenKind::TagDirective { .. } => {}
                _ => break,
            }
            if let TokenKind::TagDirective { handle, prefix } = self.skip_token()?.kind {
                if self
                    .tag_directives
                    .iter()
                    .any(|(known, _)| *known == handle)
                {
                    return Err(Self::fault(
                        Mark::default(),
                        "found duplicate %TAG directive",
                        start,
                    ));
                }
                self.tag_directives.push((handle, prefix));
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|(known, _)| known == handle) {
                self.tag_directives
                    .push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }
}

fn append_line(to: &mut String, line: String) {
    if line.is_empty() {
        return;
    }
    if to.is_empty() {
        *to = line;
    } else {
        to.push('\n');
        to.push_str(&line);
    }
}

/// Takes the part of a head comment up to the last empty line: that part belongs to the document.
fn split_document_comment(head: &mut String) -> String {
    let bytes = head.as_bytes();
    for at in (1..bytes.len()).rev() {
        if bytes[at] != b'\n' {
            continue;
        }
        let document_end = if at == bytes.len() - 1 {
            at
        } else if bytes[at - 1] == b'\n' {
            at - 1
        } else {
            continue;
        };
        let rest = head.split_off(at + 1);
        let mut document = std::mem::replace(head, rest);
        document.truncate(document_end);
        return document;
    }
    String::new()
}
