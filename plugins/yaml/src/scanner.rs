//! Text to tokens: libyaml's scanner as go-yaml has it, with go-yaml's collection of comments.
//!
//! It only ever looks as far ahead as go-yaml does, so that the first of several mistakes in a text is the same.

mod block;
mod comment;
mod directive;
mod fetch;
mod gap;
mod plain;
mod quoted;
mod structure;
mod tag;
pub(crate) mod token;

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::characters::{self, is_blank, is_break};
use token::{Mark, PendingComment, Token, TokenKind};

/// Which part found a mistake: go-yaml counts lines differently for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Scanner,
    Parser,
}

/// A mistake in the text, before its line is worked out. Boxed, because results carry it everywhere.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) Box<FaultDetail>);

/// What is wrong, and where.
#[derive(Debug)]
pub(crate) struct FaultDetail {
    pub(crate) kind: FaultKind,
    /// Start of the construct.
    pub(crate) context: Mark,
    /// Where it went wrong.
    pub(crate) at: Mark,
    pub(crate) problem: Cow<'static, str>,
}

pub(crate) type Scan<T> = Result<T, Fault>;

/// A place where a mapping key without `?` may have begun.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

/// What the two versions of go-yaml do differently while scanning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// go.yaml.in/yaml/v2: comments are dropped.
    V2,
    /// go.yaml.in/yaml/v3: comments are kept, which needs two more tokens of lookahead.
    V3,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the states of libyaml's scanner"
)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    dialect: Dialect,
    position: usize,
    mark: Mark,
    /// Line breaks since the last character that was not blank.
    newlines: usize,

    tokens: VecDeque<Token>,
    tokens_parsed: usize,
    token_available: bool,
    stream_start_produced: bool,
    stream_end_produced: bool,

    /// Column of the current block, -1 outside of any.
    indent: i64,
    indents: Vec<i64>,
    flow_level: usize,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    /// Token number and index in `simple_keys`, by rising number.
    simple_keys_by_token: Vec<(usize, usize)>,

    comments: Vec<PendingComment>,
    comments_head: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8], dialect: Dialect) -> Self {
        Self {
            text,
            dialect,
            position: 0,
            mark: Mark::default(),
            newlines: 0,
            tokens: VecDeque::with_capacity(16),
            tokens_parsed: 0,
            token_available: false,
            stream_start_produced: false,
            stream_end_produced: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: false,
            simple_keys: Vec::new(),
            simple_keys_by_token: Vec::new(),
            comments: Vec::new(),
            comments_head: 0,
        }
    }

    /// Bytes scanned so far.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Whether the end of the stream was handed out.
    pub(crate) fn is_finished(&self) -> bool {
        self.stream_end_produced
    }

    /// The next token, which stays in the queue.
    pub(crate) fn peek_token(&mut self) -> Scan<&Token> {
        if !self.token_available {
            self.fetch_more_tokens()?;
        }
        // `fetch_more_tokens` leaves at least one token, and nothing is asked after the end of the stream.
        Ok(&self.tokens[0])
    }

    /// Takes the token that was peeked at.
    pub(crate) fn take_token(&mut self) -> Option<Token> {
        self.token_available = false;
        self.tokens_parsed += 1;
        let token = self.tokens.pop_front();
        self.stream_end_produced = matches!(
            &token,
            Some(Token {
                kind: TokenKind::StreamEnd,
                ..
            })
        );
        token
    }

    /// The comments tied to places up to `start`, in order; heads wait if `is_block_end`.
    pub(crate) fn next_comment(
        &mut self,
        start: Mark,
        is_block_end: bool,
    ) -> Option<PendingComment> {
        let comment = self.comments.get_mut(self.comments_head)?;
        if start.index < comment.token.index || is_block_end && !comment.head.is_empty() {
            return None;
        }
        self.comments_head += 1;
        Some(std::mem::take(comment))
    }

    fn byte(&self) -> u8 {
        characters::byte(self.text, self.position)
    }

    fn byte_at(&self, offset: usize) -> u8 {
        characters::byte(self.text, self.position + offset)
    }

    fn is_blank(&self) -> bool {
        is_blank(self.text, self.position)
    }

    fn is_break(&self) -> bool {
        is_break(self.text, self.position)
    }

    fn is_break_or_end(&self) -> bool {
        characters::is_break_or_end(self.text, self.position)
    }

    fn is_blank_or_end(&self) -> bool {
        characters::is_blank_or_end(self.text, self.position)
    }

    fn is_blank_or_end_at(&self, offset: usize) -> bool {
        characters::is_blank_or_end(self.text, self.position + offset)
    }

    /// Whether a line starts here with `---` or `...`.
    fn is_document_indicator(&self) -> bool {
        self.mark.column == 0
            && matches!(
                self.text.get(self.position..self.position + 3),
                Some(b"---" | b"...")
            )
            && self.is_blank_or_end_at(3)
    }

    /// Steps over one character.
    fn skip(&mut self) {
        if !self.is_blank() {
            self.newlines = 0;
        }
        self.mark.index += 1;
        self.mark.column += 1;
        self.position += characters::width(self.byte());
    }

    /// Steps over `count` characters of one byte each that are not blank.
    fn skip_ascii(&mut self, count: usize) {
        if count > 0 {
            self.newlines = 0;
            self.advance_ascii(count);
        }
    }

    fn advance_ascii(&mut self, count: usize) {
        // A text has far fewer than 2^63 characters.
        self.mark.index += i64::try_from(count).unwrap_or(i64::MAX);
        self.mark.column += count;
        self.position += count;
    }

    /// Copies one character.
    fn read(&mut self, into: &mut Vec<u8>) {
        let width = characters::width(self.byte());
        let end = self.text.len().min(self.position + width);
        into.extend_from_slice(&self.text[self.position..end]);
        self.skip();
    }

    /// Steps over a line break.
    fn skip_line(&mut self) {
        if self.byte() == b'\r' && self.byte_at(1) == b'\n' {
            self.mark.index += 2;
            self.position += 2;
        } else if self.is_break() {
            self.mark.index += 1;
            self.position += characters::width(self.byte());
        } else {
            return;
        }
        self.mark.column = 0;
        self.mark.line += 1;
        self.newlines += 1;
    }

    /// Copies a line break: all but LS and PS become a line feed.
    fn read_line(&mut self, into: &mut Vec<u8>) {
        match self.byte() {
            b'\r' | b'\n' | 0xC2 if self.is_break() => into.push(b'\n'),
            0xE2 if self.is_break() => {
                into.extend_from_slice(&self.text[self.position..self.position + 3]);
            }
            _ => return,
        }
        self.skip_line();
    }

    fn fault(&self, context: Mark, problem: impl Into<Cow<'static, str>>) -> Fault {
        Fault(Box::new(FaultDetail {
            kind: FaultKind::Scanner,
            context,
            at: self.mark,
            problem: problem.into(),
        }))
    }
}

/// Text that was copied from validated UTF-8, or built from whole characters.
fn to_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
