//! Single- and double-quoted scalars.

use super::plain::Folds;
use super::token::{Mark, ScalarStyle, Token, TokenKind};
use super::{Scan, Scanner, to_text};
use crate::characters::is_break;

impl Scanner<'_> {
    pub(super) fn scan_quoted_scalar(&mut self, style: ScalarStyle) -> Scan<Token> {
        let quote = if style == ScalarStyle::SingleQuoted {
            b'\''
        } else {
            b'"'
        };
        let start = self.mark;
        self.skip();
        let mut value = Vec::new();
        loop {
            if self.is_document_indicator() {
                return Err(self.fault(start, "found unexpected document indicator"));
            }
            if self.byte() == 0 {
                return Err(self.fault(start, "found unexpected end of stream"));
            }
            let mut folds = Folds::default();
            while !self.is_blank_or_end() {
                if self.byte() == quote {
                    if quote == b'\'' && self.byte_at(1) == b'\'' {
                        value.push(b'\'');
                        self.skip_ascii(2);
                        continue;
                    }
                    break;
                }
                if quote == b'"' && self.byte() == b'\\' {
                    if is_break(self.text, self.position + 1) {
                        self.skip();
                        self.skip_line();
                        folds.leading_blanks = true;
                        break;
                    }
                    self.read_escape(start, &mut value)?;
                    continue;
                }
                self.read_quoted_run(quote, &mut value);
            }
            if self.byte() == quote {
                break;
            }
            while self.is_blank() || self.is_break() {
                if self.is_blank() {
                    self.read_blank(&mut folds);
                } else {
                    self.read_fold(&mut folds);
                }
            }
            folds.join(&mut value);
        }
        self.skip();
        Ok(Token {
            kind: TokenKind::Scalar {
                value: to_text(value),
                style,
            },
            start,
            end: self.mark,
        })
    }

    /// Copies one character, and all ASCII that follows up to a quote, an escape or a blank.
    fn read_quoted_run(&mut self, quote: u8, into: &mut Vec<u8>) {
        self.read(into);
        let rest = self.text.get(self.position..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&b| !(0x21..0x7F).contains(&b) || b == quote || b == b'\\')
            .unwrap_or(rest.len());
        into.extend_from_slice(&rest[..length]);
        self.skip_ascii(length);
    }

    fn read_escape(&mut self, start: Mark, into: &mut Vec<u8>) -> Scan<()> {
        let mut code_length = 0;
        let character = match self.byte_at(1) {
            b'0' => '\0',
            b'a' => '\x07',
            b'b' => '\x08',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\x0B',
            b'f' => '\x0C',
            b'r' => '\r',
            b'e' => '\x1B',
            b' ' => ' ',
            b'"' => '"',
            b'\'' => '\'',
            b'\\' => '\\',
            b'N' => '\u{85}',
            b'_' => '\u{A0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' => self.set_code_length(&mut code_length, 2),
            b'u' => self.set_code_length(&mut code_length, 4),
            b'U' => self.set_code_length(&mut code_length, 8),
            _ => return Err(self.fault(start, "found unknown escape character")),
        };
        self.skip_ascii(2);
        let character = if code_length == 0 {
            character
        } else {
            self.read_code(start, code_length)?
        };
        let mut buffer = [0; 4];
        into.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        Ok(())
    }

    #[expect(
        clippy::unused_self,
        reason = "reads as one table with the arms around it"
    )]
    fn set_code_length(&self, length: &mut usize, to: usize) -> char {
        *length = to;
        '\0'
    }

    fn read_code(&mut self, start: Mark, length: usize) -> Scan<char> {
        let mut code: u32 = 0;
        for offset in 0..length {
            let Some(digit) = char::from(self.byte_at(offset)).to_digit(16) else {
                return Err(self.fault(start, "did not find expected hexdecimal number"));
            };
            code = code << 4 | digit;
        }
        let Some(character) = char::from_u32(code) else {
            return Err(self.fault(start, "found invalid Unicode character escape code"));
        };
        self.skip_ascii(length);
        Ok(character)
    }
}
