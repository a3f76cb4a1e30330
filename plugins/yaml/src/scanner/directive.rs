//! `%YAML` and `%TAG` lines.

use super::token::{Mark, Token, TokenKind};
use super::{Scan, Scanner, to_text};
use crate::characters::is_word;

impl Scanner<'_> {
    pub(super) fn scan_directive(&mut self) -> Scan<Token> {
        let start = self.mark;
        self.skip();
        let name = self.read_word();
        if name.is_empty() {
            return Err(self.fault(start, "could not find expected directive name"));
        }
        if !self.is_blank_or_end() {
            return Err(self.fault(start, "found unexpected non-alphabetical character"));
        }
        let kind = match name.as_str() {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_directive(start)?,
            _ => return Err(self.fault(start, "found unknown directive name")),
        };
        let end = self.mark;
        self.skip_blanks();
        if self.byte() == b'#' {
            while !self.is_break_or_end() {
                self.skip();
            }
        }
        if !self.is_break_or_end() {
            return Err(self.fault(start, "did not find expected comment or line break"));
        }
        self.skip_line();
        Ok(Token { kind, start, end })
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank() {
            self.skip();
        }
    }

    pub(super) fn read_word(&mut self) -> String {
        let mut word = Vec::new();
        while is_word(self.byte()) {
            self.read(&mut word);
        }
        to_text(word)
    }

    fn scan_version(&mut self, start: Mark) -> Scan<TokenKind> {
        self.skip_blanks();
        let major = self.scan_version_number(start)?;
        if self.byte() != b'.' {
            return Err(self.fault(start, "did not find expected digit or '.' character"));
        }
        self.skip();
        let minor = self.scan_version_number(start)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn scan_version_number(&mut self, start: Mark) -> Scan<u8> {
        let mut number = 0;
        let mut length = 0;
        while self.byte().is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.fault(start, "found extremely long version number"));
            }
            number = number * 10 + (self.byte() - b'0');
            self.skip();
        }
        if length == 0 {
            return Err(self.fault(start, "did not find expected version number"));
        }
        Ok(number)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Scan<TokenKind> {
        self.skip_blanks();
        let handle = self.scan_tag_handle(true, start)?;
        if !self.is_blank() {
            return Err(self.fault(start, "did not find expected whitespace"));
        }
        self.skip_blanks();
        let prefix = self.scan_tag_uri(&[], start)?;
        if !self.is_blank_or_end() {
            return Err(self.fault(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective {
            handle: to_text(handle),
            prefix: to_text(prefix),
        })
    }
}
