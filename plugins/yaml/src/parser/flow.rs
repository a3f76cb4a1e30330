//! Flow sequences and mappings.

use super::event::{Event, EventKind, Properties};
use super::{Parser, State};
use crate::scanner::Scan;
use crate::scanner::token::TokenKind;

impl Parser<'_> {
    pub(super) fn parse_flow_sequence_entry(&mut self, first: bool) -> Scan<Event> {
        if first {
            let start = self.take()?.start;
            self.marks.push(start);
        }
        if !matches!(self.peek_kind()?, TokenKind::FlowSequenceEnd) {
            if !first {
                self.skip_flow_entry("did not find expected ',' or ']'")?;
            }
            let token = self.peek()?;
            let start = token.start;
            match token.kind {
                TokenKind::Key => {
                    self.state = State::FlowSequenceEntryMappingKey;
                    self.skip_token()?;
                    let kind = EventKind::MappingStart {
                        properties: Properties::default(),
                        is_flow: true,
                    };
                    return Ok(Event::new(kind, start));
                }
                TokenKind::FlowSequenceEnd => {}
                _ => {
                    self.states.push(State::FlowSequenceEntry);
                    return self.parse_node(false, false);
                }
            }
        }
        self.close_flow(EventKind::SequenceEnd)
    }

    fn skip_flow_entry(&mut self, problem: &'static str) -> Scan<()> {
        let token = self.peek()?;
        if !matches!(token.kind, TokenKind::FlowEntry) {
            let at = token.start;
            return Err(Self::fault(self.pop_mark(), problem, at));
        }
        self.skip_token()?;
        Ok(())
    }

    fn close_flow(&mut self, kind: EventKind) -> Scan<Event> {
        let start = self.peek()?.start;
        self.pop_state();
        self.pop_mark();
        let event = self.with_comments(Event::new(kind, start));
        self.skip_token()?;
        Ok(event)
    }

    pub(super) fn parse_flow_sequence_entry_mapping_key(&mut self) -> Scan<Event> {
        let token = self.peek()?;
        let end = token.end;
        if matches!(
            token.kind,
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd
        ) {
            // go-yaml swallows the token here, so that `[? : a]` fails.
            self.skip_token()?;
            self.state = State::FlowSequenceEntryMappingValue;
            return Ok(Self::empty_scalar(end));
        }
        self.states.push(State::FlowSequenceEntryMappingValue);
        self.parse_node(false, false)
    }

    pub(super) fn parse_flow_sequence_entry_mapping_value(&mut self) -> Scan<Event> {
        let token = self.peek()?;
        let start = token.start;
        if matches!(token.kind, TokenKind::Value) {
            self.skip_token()?;
            if !matches!(
                self.peek_kind()?,
                TokenKind::FlowEntry | TokenKind::FlowSequenceEnd
            ) {
                self.states.push(State::FlowSequenceEntryMappingEnd);
                return self.parse_node(false, false);
            }
        }
        self.state = State::FlowSequenceEntryMappingEnd;
        Ok(Self::empty_scalar(start))
    }

    pub(super) fn parse_flow_mapping_key(&mut self, first: bool) -> Scan<Event> {
        if first {
            let start = self.take()?.start;
            self.marks.push(start);
        }
        if !matches!(self.peek_kind()?, TokenKind::FlowMappingEnd) {
            if !first {
                self.skip_flow_entry("did not find expected ',' or '}'")?;
            }
            match self.peek_kind()? {
                TokenKind::Key => {
                    self.skip_token()?;
                    let token = self.peek()?;
                    if matches!(
                        token.kind,
                        TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd
                    ) {
                        let start = token.start;
                        self.state = State::FlowMappingValue;
                        return Ok(Self::empty_scalar(start));
                    }
                    self.states.push(State::FlowMappingValue);
                    return self.parse_node(false, false);
                }
                TokenKind::FlowMappingEnd => {}
                _ => {
                    self.states.push(State::FlowMappingEmptyValue);
                    return self.parse_node(false, false);
                }
            }
        }
        self.close_flow(EventKind::MappingEnd)
    }

    pub(super) fn parse_flow_mapping_value(&mut self, empty: bool) -> Scan<Event> {
        let token = self.peek()?;
        let start = token.start;
        if !empty && matches!(token.kind, TokenKind::Value) {
            self.skip_token()?;
            let token = self.peek()?;
            if !matches!(token.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.parse_node(false, false);
            }
            let start = token.start;
            self.state = State::FlowMappingKey;
            return Ok(Self::empty_scalar(start));
        }
        self.state = State::FlowMappingKey;
        Ok(Self::empty_scalar(start))
    }
}
