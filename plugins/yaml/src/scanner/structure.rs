//! Indentation, and keys that are recognised only by a later `:`.

use super::fetch::to_column;
use super::token::{Mark, Token, TokenKind};
use super::{Dialect, Scan, Scanner, SimpleKey};

/// How far behind its first character the `:` of a key may stand, in characters.
const MAX_SIMPLE_KEY: i64 = 1024;
/// go-yaml's own limit on open blocks; the composer's comes first.
const MAX_INDENTS: usize = 10_000;

impl Scanner<'_> {
    /// Whether the key at `index` may still be followed by a `:`.
    pub(super) fn check_simple_key(&mut self, index: usize) -> Scan<bool> {
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

    pub(super) fn save_simple_key(&mut self) -> Scan<()> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column();
        let key = SimpleKey {
            possible: true,
            required,
            token_number: self.next_token_number(),
            mark: self.mark,
        };
        self.remove_simple_key()?;
        let index = self.simple_keys.len() - 1;
        self.simple_keys[index] = key;
        match self
            .simple_keys_by_token
            .binary_search_by_key(&key.token_number, |&(token, _)| token)
        {
            Ok(found) => self.simple_keys_by_token[found].1 = index,
            Err(at) => self
                .simple_keys_by_token
                .insert(at, (key.token_number, index)),
        }
        Ok(())
    }

    pub(super) fn remove_simple_key(&mut self) -> Scan<()> {
        let Some(key) = self.simple_keys.last_mut() else {
            return Ok(());
        };
        if !key.possible {
            return Ok(());
        }
        let SimpleKey {
            required,
            mark,
            token_number,
            ..
        } = *key;
        if required {
            return Err(self.fault(mark, "could not find expected ':'"));
        }
        key.possible = false;
        self.forget_simple_key(token_number);
        Ok(())
    }

    pub(super) fn forget_simple_key(&mut self, token_number: usize) {
        if let Ok(found) = self
            .simple_keys_by_token
            .binary_search_by_key(&token_number, |&(token, _)| token)
        {
            self.simple_keys_by_token.remove(found);
        }
    }

    /// Opens a block at `column`, with its token before the token with the given number.
    pub(super) fn roll_indent(
        &mut self,
        column: i64,
        number: Option<usize>,
        kind: TokenKind,
        mark: Mark,
    ) -> Scan<()> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_INDENTS {
            let context = self.simple_keys.last().map_or(self.mark, |key| key.mark);
            return Err(self.fault(context, format!("exceeded max depth of {MAX_INDENTS}")));
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
            Dialect::V3 => Mark {
                index: scan_mark.index - 1,
                ..scan_mark
            },
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
            self.tokens.push_back(Token {
                kind: TokenKind::BlockEnd,
                start: block_mark,
                end: block_mark,
            });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
