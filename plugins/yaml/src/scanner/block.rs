//! Literal and folded block scalars.

use super::token::{Mark, ScalarStyle, Token, TokenKind};
use super::{Dialect, Scan, Scanner, to_text};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    pub(super) fn scan_block_scalar(&mut self, style: ScalarStyle) -> Scan<Token> {
        let start = self.mark;
        self.skip();
        let (chomp, increment) = self.scan_block_header(start)?;
        let mut end = self.mark;
        let mut indent = match increment {
            0 => 0,
            _ => self.indent.max(0) + increment,
        };

        let mut value = Vec::new();
        let mut leading_break = Vec::new();
        let mut trailing_breaks = Vec::new();
        self.scan_block_breaks(&mut indent, &mut trailing_breaks, start, &mut end)?;
        let mut leading_blank = false;
        while self.column() == indent && self.byte() != 0 {
            let trailing_blank = self.is_blank();
            let folds = style == ScalarStyle::Folded
                && !leading_blank
                && !trailing_blank
                && leading_break.first() == Some(&b'\n');
            if folds {
                if trailing_breaks.is_empty() {
                    value.push(b' ');
                }
                leading_break.clear();
            } else {
                value.append(&mut leading_break);
            }
            value.append(&mut trailing_breaks);
            leading_blank = self.is_blank();
            self.read_to_line_end(&mut value);
            self.read_line(&mut leading_break);
            self.scan_block_breaks(&mut indent, &mut trailing_breaks, start, &mut end)?;
        }
        if chomp != Chomp::Strip {
            value.append(&mut leading_break);
        }
        if chomp == Chomp::Keep {
            value.append(&mut trailing_breaks);
        }
        Ok(Token {
            kind: TokenKind::Scalar {
                value: to_text(value),
                style,
            },
            start,
            end,
        })
    }

    /// The chomping and indentation indicators, and the rest of their line.
    fn scan_block_header(&mut self, start: Mark) -> Scan<(Chomp, i64)> {
        let mut chomp = self.scan_chomp();
        let mut increment = 0;
        if self.byte().is_ascii_digit() {
            if self.byte() == b'0' {
                return Err(self.fault(start, "found an indentation indicator equal to 0"));
            }
            increment = i64::from(self.byte() - b'0');
            self.skip();
            if chomp.is_none() {
                chomp = self.scan_chomp();
            }
        }
        while self.is_blank() {
            self.skip();
        }
        if self.byte() == b'#' {
            if self.dialect == Dialect::V3 {
                self.scan_line_comment(start);
            }
            while !self.is_break_or_end() {
                self.skip();
            }
        }
        if !self.is_break_or_end() {
            return Err(self.fault(start, "did not find expected comment or line break"));
        }
        self.skip_line();
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    fn scan_chomp(&mut self) -> Option<Chomp> {
        let chomp = match self.byte() {
            b'+' => Chomp::Keep,
            b'-' => Chomp::Strip,
            _ => return None,
        };
        self.skip();
        Some(chomp)
    }

    fn read_to_line_end(&mut self, into: &mut Vec<u8>) {
        while !self.is_break_or_end() {
            self.read(into);
            let rest = self.text.get(self.position..).unwrap_or_default();
            let length = rest
                .iter()
                .position(|&b| !(0x20..0x7F).contains(&b))
                .unwrap_or(rest.len());
            into.extend_from_slice(&rest[..length]);
            if rest[..length].iter().any(|&b| b != b' ') {
                self.newlines = 0;
            }
            self.advance_ascii(length);
        }
    }

    /// Eats indentation and empty lines, and finds the indentation of the first line with text.
    fn scan_block_breaks(
        &mut self,
        indent: &mut i64,
        breaks: &mut Vec<u8>,
        start: Mark,
        end: &mut Mark,
    ) -> Scan<()> {
        *end = self.mark;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.column() < *indent) && self.byte() == b' ' {
                self.advance_ascii(1);
            }
            deepest = deepest.max(self.column());
            if (*indent == 0 || self.column() < *indent) && self.byte() == b'\t' {
                return Err(self.fault(
                    start,
                    "found a tab character where an indentation space is expected",
                ));
            }
            if !self.is_break() {
                break;
            }
            self.read_line(breaks);
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
