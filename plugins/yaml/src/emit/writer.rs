//! The output text, and what the emitters remember about it.

use crate::characters::is_break;

/// Which emitter's rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// yaml.v2: lines fold at 80 columns.
    V2,
    /// yaml.v3: lines never fold, comments are written.
    V3,
}

#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) out: String,
    pub(super) flavor: Flavor,
    /// Line length at which a space becomes a line break.
    pub(super) best_width: usize,
    /// Current indentation; -1 before the first collection.
    pub(super) indent: i64,
    pub(super) column: usize,
    /// Whether the last character was a blank that separates.
    pub(super) whitespace: bool,
    /// Whether only indentation, `-`, `?` and `:` stand on this line so far.
    pub(super) indention: bool,
    /// Indentation of the foot comment that was just written, after which an empty line is due; -1 for none.
    pub(super) foot_indent: i64,
}

impl Writer {
    pub(super) fn new(flavor: Flavor) -> Self {
        Self {
            out: String::new(),
            flavor,
            best_width: if flavor == Flavor::V2 { 80 } else { usize::MAX },
            indent: -1,
            column: 0,
            whitespace: true,
            indention: true,
            foot_indent: -1,
        }
    }

    /// Writes one ASCII character that is no line break.
    pub(super) fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    pub(super) fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        if self.flavor == Flavor::V3 {
            self.indention = true;
        }
    }

    /// Writes text without line breaks.
    pub(super) fn put_text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += if text.is_ascii() {
            text.len()
        } else {
            text.chars().count()
        };
    }

    /// Writes the line break at `at`, and gives back its end.
    pub(super) fn put_break_of(&mut self, text: &str, at: usize) -> usize {
        if text.as_bytes()[at] == b'\n' {
            self.put_break();
            return at + 1;
        }
        let end = at + crate::characters::width(text.as_bytes()[at]);
        self.out.push_str(&text[at..end]);
        self.column = 0;
        if self.flavor == Flavor::V3 {
            self.indention = true;
        }
        end
    }

    /// The indentation in columns.
    pub(super) fn indent_columns(&self) -> usize {
        usize::try_from(self.indent).unwrap_or(0)
    }

    /// Goes to the indentation, on a new line unless nothing else stands on this one.
    pub(super) fn write_indent(&mut self) {
        let indent = self.indent_columns();
        if !self.indention || self.column > indent || self.column == indent && !self.whitespace {
            self.put_break();
        }
        if self.flavor == Flavor::V3 {
            if self.foot_indent == i64::try_from(indent).unwrap_or(i64::MAX) {
                self.put_break();
            }
            self.foot_indent = -1;
        } else {
            self.indention = true;
        }
        if self.column < indent {
            self.out
                .extend(std::iter::repeat_n(' ', indent - self.column));
            self.column = indent;
        }
        self.whitespace = true;
    }

    /// Writes `-`, `:`, quotes and the like.
    pub(super) fn write_indicator(
        &mut self,
        indicator: &str,
        after_blank: bool,
        is_whitespace: bool,
        is_indention: bool,
    ) {
        if after_blank && !self.whitespace {
            self.put(' ');
        }
        self.put_text(indicator);
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    /// Position of the next line break or space at or after `from`, or the end.
    pub(super) fn find_space_or_break(text: &str, from: usize) -> usize {
        let bytes = text.as_bytes();
        (from..bytes.len())
            .find(|&at| {
                bytes[at] == b' '
                    || matches!(bytes[at], b'\n' | b'\r' | 0xC2 | 0xE2) && is_break(bytes, at)
            })
            .unwrap_or(bytes.len())
    }
}
