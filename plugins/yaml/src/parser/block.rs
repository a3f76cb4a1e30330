//! Block sequences and mappings.

use super::event::{Event, EventKind};
use super::{Parser, State};
use crate::scanner::Scan;
use crate::scanner::token::TokenKind;

impl Parser<'_> {
    /// Remembers where the collection starts, and steps over its start token.
    fn open_collection(&mut self) -> Scan<()> {
        let start = self.take()?.start;
        self.marks.push(start);
        Ok(())
    }

    pub(super) fn parse_block_sequence_entry(&mut self, first: bool) -> Scan<Event> {
        if first {
            self.open_collection()?;
        }
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::BlockEntry => {
                self.skip_entry_indicator()?;
                if matches!(
                    self.peek_kind()?,
                    TokenKind::BlockEntry | TokenKind::BlockEnd
                ) {
                    self.state = State::BlockSequenceEntry;
                    return Ok(Self::empty_scalar(end));
                }
                self.states.push(State::BlockSequenceEntry);
                self.parse_node(true, false)
            }
            TokenKind::BlockEnd => {
                self.pop_state();
                self.pop_mark();
                self.skip_token()?;
                Ok(Event::new(EventKind::SequenceEnd, start))
            }
            _ => Err(Self::fault(
                self.pop_mark(),
                "did not find expected '-' indicator",
                start,
            )),
        }
    }

    /// A sequence that stands in the column of its key.
    pub(super) fn parse_indentless_sequence_entry(&mut self) -> Scan<Event> {
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        if !matches!(token.kind, TokenKind::BlockEntry) {
            self.pop_state();
            return Ok(Event::new(EventKind::SequenceEnd, start));
        }
        self.skip_entry_indicator()?;
        if matches!(
            self.peek_kind()?,
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            self.state = State::IndentlessSequenceEntry;
            return Ok(Self::empty_scalar(end));
        }
        self.states.push(State::IndentlessSequenceEntry);
        self.parse_node(true, false)
    }

    /// Steps over a `-`. A head comment before it goes to the collection that follows, not to its first child.
    fn skip_entry_indicator(&mut self) -> Scan<()> {
        let stem_length = self.comments.head.len();
        self.skip_token()?;
        if stem_length == 0 {
            return Ok(());
        }
        if matches!(
            self.peek_kind()?,
            TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart
        ) {
            let head = &mut self.comments.head;
            // The rest begins after a line break.
            let rest = if head.len() > stem_length {
                head.split_off(stem_length)[1..].to_owned()
            } else {
                String::new()
            };
            self.stem_comment = Some(std::mem::replace(head, rest));
        }
        Ok(())
    }

    pub(super) fn parse_block_mapping_key(&mut self, first: bool) -> Scan<Event> {
        if first {
            self.open_collection()?;
        }
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::Key => {
                self.skip_token()?;
                if matches!(
                    self.peek_kind()?,
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
                ) {
                    self.state = State::BlockMappingValue;
                    return Ok(Self::empty_scalar(end));
                }
                self.states.push(State::BlockMappingValue);
                self.parse_node(true, true)
            }
            TokenKind::BlockEnd => {
                self.pop_state();
                self.pop_mark();
                self.skip_token()?;
                Ok(self.with_comments(Event::new(EventKind::MappingEnd, start)))
            }
            _ => Err(Self::fault(
                self.pop_mark(),
                "did not find expected key",
                start,
            )),
        }
    }

    pub(super) fn parse_block_mapping_value(&mut self) -> Scan<Event> {
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        if !matches!(token.kind, TokenKind::Value) {
            self.state = State::BlockMappingKey;
            return Ok(Self::empty_scalar(start));
        }
        self.skip_token()?;
        if matches!(
            self.peek_kind()?,
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
        ) {
            self.state = State::BlockMappingKey;
            return Ok(Self::empty_scalar(end));
        }
        self.states.push(State::BlockMappingKey);
        self.parse_node(true, true)
    }
}
