//! What stands between tokens: blanks, line breaks and comments.

use super::token::TokenKind;
use super::{Dialect, Scan, Scanner};

impl Scanner<'_> {
    /// Eats blanks, line breaks and comments.
    pub(super) fn scan_to_next_token(&mut self) -> Scan<()> {
        let scan_mark = self.mark;
        loop {
            // A second byte order mark at the very start.
            if self.position == 0 && self.text.starts_with("\u{feff}".as_bytes()) {
                self.skip();
            }
            while self.byte() == b' '
                || (self.flow_level > 0 || !self.simple_key_allowed) && self.byte() == b'\t'
            {
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
            || !matches!(self.tokens[last - 2].kind, TokenKind::BlockSequenceStart)
            || !matches!(self.tokens[last - 1].kind, TokenKind::BlockEntry)
            || self.is_break()
        {
            return;
        }
        let mark = self.mark;
        let Some(comment) = self.comments.last_mut() else {
            return;
        };
        if comment.line.is_empty() {
            return;
        }
        comment.head = std::mem::take(&mut comment.line);
        if comment.start.line + 1 == mark.line {
            comment.token = mark;
        }
    }
}
