//! A node, and the anchor and the tag before it.

use super::event::{Event, EventKind, Properties};
use super::{Parser, State};
use crate::scanner::Scan;
use crate::scanner::token::{Mark, ScalarStyle, TokenKind};

impl Parser<'_> {
    /// Parses a node and what stands before it. `block` tells whether block collections may follow.
    pub(super) fn parse_node(&mut self, block: bool, indentless_sequence: bool) -> Scan<Event> {
        let token = self.peek()?;
        let start = token.start;
        if matches!(token.kind, TokenKind::Alias(_)) {
            self.pop_state();
            if let TokenKind::Alias(name) = self.skip_token()?.kind {
                // go-yaml takes the comments before it steps to the next token.
                return Ok(self.with_comments(Event::new(EventKind::Alias(name), start)));
            }
        }
        let properties = self.parse_properties(start)?;
        let has_properties = properties.anchor.is_some() || !properties.tag.is_empty();
        let token = self.peek()?;
        let token_start = token.start;
        match token.kind {
            TokenKind::BlockEntry if indentless_sequence => {
                self.state = State::IndentlessSequenceEntry;
                Ok(Event::new(
                    EventKind::SequenceStart {
                        properties,
                        is_flow: false,
                    },
                    start,
                ))
            }
            TokenKind::Scalar { .. } => {
                self.pop_state();
                let TokenKind::Scalar { value, style } = self.skip_token()?.kind else {
                    return Ok(Self::empty_scalar(start));
                };
                Ok(self.with_comments(Event::new(
                    EventKind::Scalar {
                        properties,
                        value,
                        style,
                    },
                    start,
                )))
            }
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirstEntry;
                Ok(self.with_comments(Event::new(
                    EventKind::SequenceStart {
                        properties,
                        is_flow: true,
                    },
                    start,
                )))
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirstKey;
                Ok(self.with_comments(Event::new(
                    EventKind::MappingStart {
                        properties,
                        is_flow: true,
                    },
                    start,
                )))
            }
            TokenKind::BlockSequenceStart if block => {
                self.state = State::BlockSequenceFirstEntry;
                Ok(self.with_stem(Event::new(
                    EventKind::SequenceStart {
                        properties,
                        is_flow: false,
                    },
                    start,
                )))
            }
            TokenKind::BlockMappingStart if block => {
                self.state = State::BlockMappingFirstKey;
                Ok(self.with_stem(Event::new(
                    EventKind::MappingStart {
                        properties,
                        is_flow: false,
                    },
                    start,
                )))
            }
            _ if has_properties => {
                self.pop_state();
                let kind = EventKind::Scalar {
                    properties,
                    value: String::new(),
                    style: ScalarStyle::Plain,
                };
                Ok(Event::new(kind, start))
            }
            _ => Err(Self::fault(
                start,
                "did not find expected node content",
                token_start,
            )),
        }
    }

    fn with_stem(&mut self, mut event: Event) -> Event {
        event.comments.head = self.stem_comment.take().unwrap_or_default();
        event
    }

    /// An anchor and a tag, in any order.
    fn parse_properties(&mut self, start: Mark) -> Scan<Properties> {
        let mut anchor = None;
        let mut tag = None;
        loop {
            let token = self.peek()?;
            let mark = token.start;
            match token.kind {
                TokenKind::Anchor(_) if anchor.is_none() => {
                    if let TokenKind::Anchor(name) = self.skip_token()?.kind {
                        anchor = Some(name);
                    }
                }
                TokenKind::Tag { .. } if tag.is_none() => {
                    if let TokenKind::Tag { handle, suffix } = self.skip_token()?.kind {
                        tag = Some((handle, suffix, mark));
                    }
                }
                _ => break,
            }
        }
        let tag = match tag {
            None => String::new(),
            Some((handle, suffix, _)) if handle.is_empty() => suffix,
            Some((handle, suffix, mark)) => match self
                .tag_directives
                .iter()
                .find(|(known, _)| *known == handle)
            {
                Some((_, prefix)) if !(prefix.is_empty() && suffix.is_empty()) => {
                    format!("{prefix}{suffix}")
                }
                _ => return Err(Self::fault(start, "found undefined tag handle", mark)),
            },
        };
        Ok(Properties { anchor, tag })
    }
}
