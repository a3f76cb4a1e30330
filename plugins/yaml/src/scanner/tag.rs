//! Anchors, aliases and tags.

use super::token::{Mark, Token, TokenKind};
use super::{Scan, Scanner, to_text};
use crate::characters::{is_word, width};

impl Scanner<'_> {
    pub(super) fn scan_anchor(&mut self) -> Scan<Token> {
        let is_anchor = self.byte() == b'&';
        let start = self.mark;
        self.skip();
        let name = self.read_word();
        let ended = self.is_blank_or_end()
            || matches!(
                self.byte(),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if name.is_empty() || !ended {
            return Err(self.fault(
                start,
                "did not find expected alphabetic or numeric character",
            ));
        }
        let kind = if is_anchor {
            TokenKind::Anchor(name)
        } else {
            TokenKind::Alias(name)
        };
        Ok(Token {
            kind,
            start,
            end: self.mark,
        })
    }

    pub(super) fn scan_tag(&mut self) -> Scan<Token> {
        let start = self.mark;
        let (handle, suffix) = if self.byte_at(1) == b'<' {
            self.skip_ascii(2);
            let suffix = self.scan_tag_uri(&[], start)?;
            if self.byte() != b'>' {
                return Err(self.fault(start, "did not find the expected '>'"));
            }
            self.skip();
            (Vec::new(), suffix)
        } else {
            let handle = self.scan_tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with(b"!") {
                let suffix = self.scan_tag_uri(&[], start)?;
                (handle, suffix)
            } else {
                // It was not a handle, but the start of the tag itself.
                let suffix = self.scan_tag_uri(&handle, start)?;
                if suffix.is_empty() {
                    (suffix, b"!".to_vec())
                } else {
                    (b"!".to_vec(), suffix)
                }
            }
        };
        if !self.is_blank_or_end() {
            return Err(self.fault(start, "did not find expected whitespace or line break"));
        }
        let kind = TokenKind::Tag {
            handle: to_text(handle),
            suffix: to_text(suffix),
        };
        Ok(Token {
            kind,
            start,
            end: self.mark,
        })
    }

    pub(super) fn scan_tag_handle(&mut self, in_directive: bool, start: Mark) -> Scan<Vec<u8>> {
        if self.byte() != b'!' {
            return Err(self.fault(start, "did not find expected '!'"));
        }
        let mut handle = Vec::new();
        self.read(&mut handle);
        while is_word(self.byte()) {
            self.read(&mut handle);
        }
        if self.byte() == b'!' {
            self.read(&mut handle);
        } else if in_directive && handle != b"!" {
            return Err(self.fault(start, "did not find expected '!'"));
        }
        Ok(handle)
    }

    /// Reads the rest of a tag that began with `head`, whose `!` is left out.
    pub(super) fn scan_tag_uri(&mut self, head: &[u8], start: Mark) -> Scan<Vec<u8>> {
        let mut uri = head.get(1..).unwrap_or_default().to_vec();
        let mut has_tag = !head.is_empty();
        while is_word(self.byte())
            || matches!(
                self.byte(),
                b';' | b'/'
                    | b'?'
                    | b':'
                    | b'@'
                    | b'&'
                    | b'='
                    | b'+'
                    | b'$'
                    | b','
                    | b'.'
                    | b'!'
                    | b'~'
                    | b'*'
                    | b'\''
                    | b'('
                    | b')'
                    | b'['
                    | b']'
                    | b'%'
            )
        {
            if self.byte() == b'%' {
                self.scan_uri_escape(start, &mut uri)?;
            } else {
                self.read(&mut uri);
            }
            has_tag = true;
        }
        if !has_tag {
            return Err(self.fault(start, "did not find expected tag URI"));
        }
        Ok(uri)
    }

    /// The `%XX` of one character.
    fn scan_uri_escape(&mut self, start: Mark, uri: &mut Vec<u8>) -> Scan<()> {
        let mut missing = None;
        while missing != Some(0) {
            let digits = (
                char::from(self.byte_at(1)).to_digit(16),
                char::from(self.byte_at(2)).to_digit(16),
            );
            let (b'%', (Some(high), Some(low))) = (self.byte(), digits) else {
                return Err(self.fault(start, "did not find URI escaped octet"));
            };
            let octet = u8::try_from(high << 4 | low).unwrap_or_default();
            missing = match missing {
                None if matches!(octet, 0x80..=0xBF | 0xF8..) => {
                    return Err(self.fault(start, "found an incorrect leading UTF-8 octet"));
                }
                None => Some(width(octet) - 1),
                Some(_) if octet & 0xC0 != 0x80 => {
                    return Err(self.fault(start, "found an incorrect trailing UTF-8 octet"));
                }
                Some(left) => Some(left - 1),
            };
            uri.push(octet);
            self.skip_ascii(3);
        }
        Ok(())
    }
}
