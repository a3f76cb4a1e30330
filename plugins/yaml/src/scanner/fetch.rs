//! The token queue, and which token starts here.

use super::token::{Mark, ScalarStyle, Token, TokenKind};
use super::{Dialect, Scan, Scanner, SimpleKey};
use crate::characters::byte;

/// go-yaml's own limit on open flow collections; the composer's comes first.
const MAX_FLOW_LEVEL: usize = 10_000;

impl Scanner<'_> {
    pub(super) fn fetch_more_tokens(&mut self) -> Scan<()> {
        let lookahead = match self.dialect {
            Dialect::V2 => 0,
            Dialect::V3 => 2,
        };
        loop {
            if self.tokens.len() > lookahead {
                // A token that may turn out to begin a key cannot be handed out yet.
                let key = self
                    .simple_keys_by_token
                    .binary_search_by_key(&self.tokens_parsed, |&(token, _)| token);
                let Ok(found) = key else { break };
                let index = self.simple_keys_by_token[found].1;
                if !self.check_simple_key(index)? {
                    break;
                }
            }
            self.fetch_next_token()?;
        }
        self.token_available = true;
        Ok(())
    }

    fn fetch_next_token(&mut self) -> Scan<()> {
        if !self.stream_start_produced {
            self.fetch_stream_start();
            return Ok(());
        }
        let scan_mark = self.mark;
        self.scan_to_next_token()?;
        self.unroll_indent(self.column(), scan_mark);
        if self.byte() == 0 {
            return self.fetch_stream_end();
        }
        if self.mark.column == 0 && self.byte() == b'%' {
            return self.fetch_directive();
        }
        if self.is_document_indicator() {
            let kind = if self.byte() == b'-' {
                TokenKind::DocumentStart
            } else {
                TokenKind::DocumentEnd
            };
            return self.fetch_document_indicator(kind);
        }
        let mut comment_mark = self.mark;
        if self.flow_level == 0 && self.byte() == b':' || self.flow_level > 0 && self.byte() == b','
        {
            // A comment after these belongs to the token before.
            if let Some(last) = self.tokens.back() {
                comment_mark = last.start;
            }
        }
        self.fetch_content_token()?;
        if self.dialect == Dialect::V3
            && !matches!(
                self.tokens.back(),
                Some(Token {
                    kind: TokenKind::BlockEntry,
                    ..
                })
            )
        {
            self.scan_line_comment(comment_mark);
        }
        Ok(())
    }

    fn fetch_content_token(&mut self) -> Scan<()> {
        let in_flow = self.flow_level > 0;
        match self.byte() {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.is_blank_or_end_at(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.is_blank_or_end_at(1) => self.fetch_key(),
            b':' if in_flow || self.is_blank_or_end_at(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(),
            b'!' => self.fetch_tag(),
            b'|' if !in_flow => self.fetch_block_scalar(ScalarStyle::Literal),
            b'>' if !in_flow => self.fetch_block_scalar(ScalarStyle::Folded),
            b'\'' => self.fetch_quoted_scalar(ScalarStyle::SingleQuoted),
            b'"' => self.fetch_quoted_scalar(ScalarStyle::DoubleQuoted),
            _ if self.starts_plain_scalar() => self.fetch_plain_scalar(),
            _ => Err(self.fault(self.mark, "found character that cannot start any token")),
        }
    }

    fn starts_plain_scalar(&self) -> bool {
        match self.byte() {
            b'-' => !matches!(self.byte_at(1), b' ' | b'\t'),
            b'?' | b':' => self.flow_level == 0 && !self.is_blank_or_end_at(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => false,
            _ => !self.is_blank_or_end(),
        }
    }

    pub(super) fn column(&self) -> i64 {
        to_column(self.mark)
    }

    fn push_token(&mut self, kind: TokenKind, start: Mark) {
        self.tokens.push_back(Token {
            kind,
            start,
            end: self.mark,
        });
    }

    /// Puts a token before the one with the given number, or at the end if that one is gone.
    pub(super) fn insert_token(&mut self, number: usize, kind: TokenKind, mark: Mark) {
        let token = Token {
            kind,
            start: mark,
            end: mark,
        };
        match number.checked_sub(self.tokens_parsed) {
            Some(at) if at <= self.tokens.len() => self.tokens.insert(at, token),
            _ => self.tokens.push_back(token),
        }
    }

    pub(super) fn next_token_number(&self) -> usize {
        self.tokens_parsed + self.tokens.len()
    }

    fn fetch_stream_start(&mut self) {
        self.indent = -1;
        self.simple_keys.push(SimpleKey::default());
        self.simple_key_allowed = true;
        self.stream_start_produced = true;
        self.push_token(TokenKind::StreamStart, self.mark);
    }

    fn fetch_stream_end(&mut self) -> Scan<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_token(TokenKind::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan<()> {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind) -> Scan<()> {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip_ascii(3);
        self.push_token(kind, start);
        Ok(())
    }

    /// Takes a token of one character.
    fn take_indicator(&mut self, kind: TokenKind) {
        let start = self.mark;
        self.skip();
        self.push_token(kind, start);
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey {
            token_number: self.next_token_number(),
            mark: self.mark,
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        if self.flow_level > MAX_FLOW_LEVEL {
            return Err(self.fault(self.mark, format!("exceeded max depth of {MAX_FLOW_LEVEL}")));
        }
        self.simple_key_allowed = true;
        self.take_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Scan<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.forget_simple_key(key.token_number);
            }
        }
        self.simple_key_allowed = false;
        self.take_indicator(kind);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Scan<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.take_indicator(TokenKind::FlowEntry);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault(
                    self.mark,
                    "block sequence entries are not allowed in this context",
                ));
            }
            self.roll_indent(
                self.column(),
                None,
                TokenKind::BlockSequenceStart,
                self.mark,
            )?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.take_indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault(self.mark, "mapping keys are not allowed in this context"));
            }
            self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.take_indicator(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Scan<()> {
        let index = self.simple_keys.len() - 1;
        if self.check_simple_key(index)? {
            let key = self.simple_keys[index];
            self.insert_token(key.token_number, TokenKind::Key, key.mark);
            self.roll_indent(
                to_column(key.mark),
                Some(key.token_number),
                TokenKind::BlockMappingStart,
                key.mark,
            )?;
            self.simple_keys[index].possible = false;
            self.forget_simple_key(key.token_number);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(
                        self.fault(self.mark, "mapping values are not allowed in this context")
                    );
                }
                self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.take_indicator(TokenKind::Value);
        Ok(())
    }

    fn fetch_anchor(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_anchor()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_tag()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, style: ScalarStyle) -> Scan<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar(style)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_quoted_scalar(&mut self, style: ScalarStyle) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_quoted_scalar(style)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_plain_scalar(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_plain_scalar()?;
        self.tokens.push_back(token);
        Ok(())
    }

    /// Whether the text at an offset is a character that ends a flow collection.
    pub(super) fn is_flow_end_at(&self, offset: usize) -> bool {
        self.flow_level > 0 && matches!(byte(self.text, self.position + offset), b']' | b'}')
    }
}

pub(super) fn to_column(mark: Mark) -> i64 {
    i64::try_from(mark.column).unwrap_or(i64::MAX)
}
