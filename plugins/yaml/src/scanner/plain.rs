//! Plain scalars.

use super::token::{ScalarStyle, Token, TokenKind};
use super::{Scan, Scanner, to_text};

/// ASCII characters that neither end a plain scalar nor need a look at what follows.
const PLAIN_BODY: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x21u8;
    while byte < 0x7F {
        table[byte as usize] = !matches!(byte, b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}');
        byte += 1;
    }
    table
};

/// The pieces between the words of a scalar that goes over several lines.
#[derive(Debug, Default)]
pub(super) struct Folds {
    pub(super) leading_blanks: bool,
    pub(super) whitespace: Vec<u8>,
    pub(super) leading_break: Vec<u8>,
    pub(super) trailing_breaks: Vec<u8>,
}

impl Folds {
    /// Appends the blanks or the folded line breaks met since the last word.
    pub(super) fn join(&mut self, into: &mut Vec<u8>) {
        if self.leading_blanks {
            if self.leading_break.first() == Some(&b'\n') {
                if self.trailing_breaks.is_empty() {
                    into.push(b' ');
                } else {
                    into.append(&mut self.trailing_breaks);
                }
            } else {
                into.append(&mut self.leading_break);
                into.append(&mut self.trailing_breaks);
            }
            self.leading_break.clear();
        } else {
            into.append(&mut self.whitespace);
        }
    }
}

impl Scanner<'_> {
    pub(super) fn scan_plain_scalar(&mut self) -> Scan<Token> {
        let indent = self.indent + 1;
        let start = self.mark;
        let mut end = self.mark;
        let mut value = Vec::new();
        let mut folds = Folds::default();
        loop {
            if self.is_document_indicator() || self.byte() == b'#' {
                break;
            }
            while !self.is_blank_or_end() {
                if self.ends_plain_scalar() {
                    break;
                }
                if folds.leading_blanks || !folds.whitespace.is_empty() {
                    folds.join(&mut value);
                    folds.leading_blanks = false;
                }
                self.read_plain_run(&mut value);
                end = self.mark;
            }
            if !(self.is_blank() || self.is_break()) {
                break;
            }
            while self.is_blank() || self.is_break() {
                if self.is_blank() {
                    if folds.leading_blanks && self.column() < indent && self.byte() == b'\t' {
                        return Err(
                            self.fault(start, "found a tab character that violates indentation")
                        );
                    }
                    self.read_blank(&mut folds);
                } else {
                    self.read_fold(&mut folds);
                }
            }
            if self.flow_level == 0 && self.column() < indent {
                break;
            }
        }
        if folds.leading_blanks {
            self.simple_key_allowed = true;
        }
        Ok(Token {
            kind: TokenKind::Scalar {
                value: to_text(value),
                style: ScalarStyle::Plain,
            },
            start,
            end,
        })
    }

    fn ends_plain_scalar(&self) -> bool {
        match self.byte() {
            b':' => self.is_blank_or_end_at(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    /// Copies one character, and all that follow it and cannot end the scalar.
    fn read_plain_run(&mut self, into: &mut Vec<u8>) {
        self.read(into);
        let rest = self.text.get(self.position..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&b| !PLAIN_BODY[usize::from(b)])
            .unwrap_or(rest.len());
        into.extend_from_slice(&rest[..length]);
        self.skip_ascii(length);
    }

    pub(super) fn read_blank(&mut self, folds: &mut Folds) {
        if folds.leading_blanks {
            self.skip();
        } else {
            self.read(&mut folds.whitespace);
        }
    }

    pub(super) fn read_fold(&mut self, folds: &mut Folds) {
        if folds.leading_blanks {
            self.read_line(&mut folds.trailing_breaks);
        } else {
            folds.whitespace.clear();
            self.read_line(&mut folds.leading_break);
            folds.leading_blanks = true;
        }
    }
}
