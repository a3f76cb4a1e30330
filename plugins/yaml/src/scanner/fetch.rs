//! The token queue: what token starts here, indentation, and keys that are recognised only by a later `:`.

use super::token::{Mark, ScalarStyle, Token, TokenKind};
use super::{Dialect, Scan, Scanner, SimpleKey};
use crate::characters::byte;

/// How far behind its first character the `:` of a key may stand, in characters.
const MAX_SIMPLE_KEY: i64 = 1024;
/// go-yaml's own limits; the composer's comes first.
const MAX_NESTING: usize = 10_000;

impl Scanner<'_> {
    pub(super) fn fetch_more_tokens(&mut self) -> Scan<()> {
        let lookahead = match self.dialect {
            Dialect::V2 => 0,
            Dialect::V3 => 2,
        };
        loop {
            if self.tokens.len() > lookahead {
                // A token that may turn out to begin a key cannot be handed out yet.
                let key = self.simple_keys_by_token.binary_search_by_key(&self.tokens_parsed, |&(token, _)| token);
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
            let kind = if self.byte() == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
            return self.fetch_document_indicator(kind);
        }
        let mut comment_mark = self.mark;
        if self.flow_level == 0 && self.byte() == b':' || self.flow_level > 0 && self.byte() == b',' {
            // A comment after these belongs to the token before.
            if let Some(last) = self.tokens.back() {
                comment_mark = last.start;
            }
        }
        self.fetch_content_token()?;
        if self.dialect == Dialect::V3 && !matches!(self.tokens.back(), Some(Token { kind: TokenKind::BlockEntry, .. })) {
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
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => false,
            _ => !self.is_blank_or_end(),
        }
    }

    pub(super) fn column(&self) -> i64 {
        to_column(self.mark)
    }

    fn push_token(&mut self, kind: TokenKind, start: Mark) {
        self.tokens.push_back(Token { kind, start, end: self.mark });
    }

    /// Puts a token before the one with the given number, or at the end if that one is gone.
    fn insert_token(&mut self, number: usize, kind: TokenKind, mark: Mark) {
        let token = Token { kind, start: mark, end: mark };
        match number.checked_sub(self.tokens_parsed) {
            Some(at) if at <= self.tokens.len() => self.tokens.insert(at, token),
            _ => self.tokens.push_back(token),
        }
    }

    fn next_token_number(&self) -> usize {
        self.tokens_parsed + self.tokens.len()
    }

    /// Whether the key at `index` may still be followed by a `:`.
    fn check_simple_key(&mut self, index: usize) -> Scan<bool> {
        let key = self.simple_keys[index];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + MAX_SIMPLE_KEY < self.mark.index {
            if key.required {
                return Err(self.fault(key.mark, "could not find expected ':'"));
            }
            self.simple_keys[index].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Scan<()> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column();
        let key = SimpleKey { possible: true, required, token_number: self.next_token_number(), mark: self.mark };
        self.remove_simple_key()?;
        let index = self.simple_keys.len() - 1;
        self.simple_keys[index] = key;
        match self.simple_keys_by_token.binary_search_by_key(&key.token_number, |&(token, _)| token) {
            Ok(found) => self.simple_keys_by_token[found].1 = index,
            Err(at) => self.simple_keys_by_token.insert(at, (key.token_number, index)),
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scan<()> {
        let Some(key) = self.simple_keys.last_mut() else { return Ok(()) };
        if !key.possible {
            return Ok(());
        }
        let SimpleKey { required, mark, token_number, .. } = *key;
        if required {
            return Err(self.fault(mark, "could not find expected ':'"));
        }
        key.possible = false;
        self.forget_simple_key(token_number);
        Ok(())
    }

    fn forget_simple_key(&mut self, token_number: usize) {
        if let Ok(found) = self.simple_keys_by_token.binary_search_by_key(&token_number, |&(token, _)| token) {
            self.simple_keys_by_token.remove(found);
        }
    }

    /// Opens a block at `column`, with its token before the token with the given number.
    fn roll_indent(&mut self, column: i64, number: Option<usize>, kind: TokenKind, mark: Mark) -> Scan<()> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_NESTING {
            let context = self.simple_keys.last().map_or(self.mark, |key| key.mark);
            return Err(self.fault(context, format!("exceeded max depth of {MAX_NESTING}")));
        }
        let number = number.unwrap_or_else(|| self.next_token_number());
        self.insert_token(number, kind, mark);
        Ok(())
    }

    /// Closes the blocks that are indented deeper than `column`.
    pub(super) fn unroll_indent(&mut self, column: i64, scan_mark: Mark) {
        if self.flow_level > 0 {
            return;
        }
        let mut block_mark = match self.dialect {
            Dialect::V2 => self.mark,
            Dialect::V3 => Mark { index: scan_mark.index - 1, ..scan_mark },
        };
        while self.indent > column {
            // The block ends before the comments at its own indentation that follow it.
            let mut stop = block_mark.index;
            for comment in self.comments.iter().rev() {
                if comment.end.index < stop {
                    break;
                }
                if to_column(comment.start) == self.indent + 1 {
                    block_mark = comment.start;
                }
                stop = comment.scan.index;
            }
            self.tokens.push_back(Token { kind: TokenKind::BlockEnd, start: block_mark, end: block_mark });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
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
        self.simple_keys.push(SimpleKey { token_number: self.next_token_number(), mark: self.mark, ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > MAX_NESTING {
            return Err(self.fault(self.mark, format!("exceeded max depth of {MAX_NESTING}")));
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
                return Err(self.fault(self.mark, "block sequence entries are not allowed in this context"));
            }
            self.roll_indent(self.column(), None, TokenKind::BlockSequenceStart, self.mark)?;
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
            self.roll_indent(to_column(key.mark), Some(key.token_number), TokenKind::BlockMappingStart, key.mark)?;
            self.simple_keys[index].possible = false;
            self.forget_simple_key(key.token_number);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.fault(self.mark, "mapping values are not allowed in this context"));
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

    /// Eats blanks, line breaks and comments.
    fn scan_to_next_token(&mut self) -> Scan<()> {
        let scan_mark = self.mark;
        loop {
            // A second byte order mark at the very start.
            if self.position == 0 && self.text.starts_with("\u{feff}".as_bytes()) {
                self.skip();
            }
            while self.byte() == b' ' || (self.flow_level > 0 || !self.simple_key_allowed) && self.byte() == b'\t' {
                self.advance_ascii(1);
            }
            if self.dialect == Dialect::V3 {
                self.turn_entry_comment_into_head();
            }
            if self.byte() == b'#' {
                match self.dialect {
                    Dialect::V2 => {
                        while !self.is_break_or_end() {
                            self.skip();
                        }
                    }
                    Dialect::V3 => self.scan_comments(scan_mark),
                }
            }
            if !self.is_break() {
                return Ok(());
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// A comment after the first `-` of a sequence is the head of what follows, if a line follows:
    /// `- # comment`.
    fn turn_entry_comment_into_head(&mut self) {
        let last = self.tokens.len();
        if last < 2
            || self.tokens[last - 2].kind != TokenKind::BlockSequenceStart
            || self.tokens[last - 1].kind != TokenKind::BlockEntry
            || crate::characters::is_break(self.text, self.position)
        {
            return;
        }
        let mark = self.mark;
        let Some(comment) = self.comments.last_mut() else { return };
        if comment.line.is_empty() {
            return;
        }
        comment.head = std::mem::take(&mut comment.line);
        if comment.start.line + 1 == mark.line {
            comment.token = mark;
        }
    }

    /// Whether the text at an offset is a character that ends a flow collection.
    pub(super) fn is_flow_end_at(&self, offset: usize) -> bool {
        self.flow_level > 0 && matches!(byte(self.text, self.position + offset), b']' | b'}')
    }
}

pub(super) fn to_column(mark: Mark) -> i64 {
    i64::try_from(mark.column).unwrap_or(i64::MAX)
}
