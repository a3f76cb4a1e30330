//! Scalars in the five styles.

use super::writer::{Flavor, Writer};
use crate::characters::{byte, is_blank, is_blank_or_end, is_break, is_printable, width};

impl Writer {
    pub(super) fn write_plain(&mut self, text: &str, allow_breaks: bool) {
        let keeps_state = self.flavor == Flavor::V3 && text.is_empty();
        if !self.whitespace && !keeps_state {
            self.put(' ');
        }
        self.write_folding(text, allow_breaks, false);
        if !keeps_state {
            self.whitespace = false;
        }
        self.indention = false;
    }

    pub(super) fn write_single_quoted(&mut self, text: &str, allow_breaks: bool) {
        self.write_indicator("'", true, false, false);
        self.write_folding(text, allow_breaks, true);
        self.write_indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes text whose line breaks count double, and which may be broken at single spaces.
    fn write_folding(&mut self, text: &str, allow_breaks: bool, quoted: bool) {
        let bytes = text.as_bytes();
        let mut spaces = false;
        let mut breaks = false;
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b' ' {
                let inside = !quoted || at > 0 && at + 1 < bytes.len();
                if allow_breaks
                    && !spaces
                    && self.column > self.best_width
                    && inside
                    && byte(bytes, at + 1) != b' '
                {
                    self.write_indent();
                } else {
                    self.put(' ');
                }
                at += 1;
                spaces = true;
            } else if is_break(bytes, at) {
                if !breaks && bytes[at] == b'\n' {
                    self.put_break();
                }
                at = self.put_break_of(text, at);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                let end = Self::find_space_or_break(text, at);
                if quoted && text[at..end].contains('\'') {
                    self.put_text(&text[at..end].replace('\'', "''"));
                } else {
                    self.put_text(&text[at..end]);
                }
                at = end;
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
    }

    pub(super) fn write_double_quoted(&mut self, text: &str, allow_breaks: bool) {
        let bytes = text.as_bytes();
        // go-yaml asks whether the text, not the character, starts with a byte order mark.
        let escape_all = text.starts_with('\u{FEFF}');
        let mut spaces = false;
        self.write_indicator("\"", true, false, false);
        let mut at = 0;
        while at < bytes.len() {
            let b = bytes[at];
            if escape_all
                || matches!(b, b'"' | b'\\')
                || !is_printable(bytes, at)
                || is_break(bytes, at)
            {
                let end = at + width(b);
                self.write_escaped(text[at..end].chars().next().unwrap_or_default());
                at = end;
                spaces = false;
            } else if b == b' ' {
                if allow_breaks
                    && !spaces
                    && self.column > self.best_width
                    && at > 0
                    && at + 1 < bytes.len()
                {
                    self.write_indent();
                    if byte(bytes, at + 1) == b' ' {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                at += 1;
                spaces = true;
            } else {
                let end = at + width(b);
                self.out.push_str(&text[at..end]);
                self.column += 1;
                at = end;
                spaces = false;
            }
        }
        self.write_indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_escaped(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let escaped = match code {
                    0..=0xFF => format!("\\x{code:02X}"),
                    0x100..=0xFFFF => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                self.put_text(&escaped);
                return;
            }
        };
        self.put('\\');
        self.put(short);
    }

    /// Indentation and chomping indicators of a block scalar.
    pub(super) fn write_block_hints(&mut self, text: &str, best_indent: usize) {
        let bytes = text.as_bytes();
        if byte(bytes, 0) == b' ' || is_break(bytes, 0) {
            self.write_indicator(&best_indent.to_string(), false, false, false);
        }
        let mut ends = text.char_indices().rev();
        let ends_in_break = ends.next().is_some_and(|(at, _)| is_break(bytes, at));
        if !ends_in_break {
            self.write_indicator("-", false, false, false);
        } else if ends.next().is_none_or(|(at, _)| is_break(bytes, at)) {
            self.write_indicator("+", false, false, false);
        }
    }

    /// The lines of a literal, after its header line.
    pub(super) fn write_literal_lines(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        let mut at = 0;
        while at < bytes.len() {
            if is_break(bytes, at) {
                at = self.put_break_of(text, at);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                let end = find_break(text, at);
                self.put_text(&text[at..end]);
                at = end;
                self.indention = false;
                breaks = false;
            }
        }
    }

    /// The lines of a folded scalar, after its header line.
    pub(super) fn write_folded_lines(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        let mut leading_spaces = true;
        let mut at = 0;
        while at < bytes.len() {
            if is_break(bytes, at) {
                if !breaks && !leading_spaces && bytes[at] == b'\n' {
                    // go-yaml counts from the start of the text, not from here.
                    let mut next = 0;
                    while is_break(bytes, next) {
                        next += width(bytes[next]);
                    }
                    if !is_blank_or_end(bytes, next) {
                        self.put_break();
                    }
                }
                at = self.put_break_of(text, at);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                    leading_spaces = is_blank(bytes, at);
                }
                if !breaks
                    && bytes[at] == b' '
                    && byte(bytes, at + 1) != b' '
                    && self.column > self.best_width
                {
                    self.write_indent();
                    at += 1;
                } else {
                    let end = at + width(bytes[at]);
                    self.out.push_str(&text[at..end]);
                    self.column += 1;
                    at = end;
                }
                self.indention = false;
                breaks = false;
            }
        }
    }
}

/// Position of the next line break at or after `from`, or the end.
fn find_break(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    (from..bytes.len())
        .find(|&at| matches!(bytes[at], b'\n' | b'\r' | 0xC2 | 0xE2) && is_break(bytes, at))
        .unwrap_or(bytes.len())
}
