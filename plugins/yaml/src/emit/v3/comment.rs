//! Comments in the output.

use super::Emitter;
use crate::characters::is_break;

impl Emitter {
    /// Remembers comments until their place comes; a new one replaces one that found no place.
    pub(super) fn note_comments(&mut self, head: &str, line: &str, foot: &str, tail: &str) {
        for (waiting, new) in [
            (&mut self.head, head),
            (&mut self.line, line),
            (&mut self.foot, foot),
            (&mut self.tail, tail),
        ] {
            if !new.is_empty() {
                waiting.clear();
                waiting.push_str(new);
            }
        }
    }

    /// Whether a comment waits that ends the line.
    pub(super) fn has_trailing_comment(&self) -> bool {
        !(self.line.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }

    pub(super) fn write_head_comment(&mut self) {
        if !self.tail.is_empty() {
            self.writer.write_indent();
            let tail = std::mem::take(&mut self.tail);
            self.write_comment(&tail);
            self.writer.foot_indent = self.writer.indent.max(0);
        }
        if !self.head.is_empty() {
            self.writer.write_indent();
            let head = std::mem::take(&mut self.head);
            self.write_comment(&head);
        }
    }

    /// Writes the comment that ends the line, or just ends the line if that is asked for.
    pub(super) fn write_line_comment(&mut self, ends_line: bool) {
        if self.line.is_empty() {
            if ends_line {
                self.writer.put_break();
            }
            return;
        }
        if !self.writer.whitespace {
            self.writer.put(' ');
        }
        let line = std::mem::take(&mut self.line);
        self.write_comment(&line);
    }

    pub(super) fn write_foot_comment(&mut self) {
        if self.foot.is_empty() {
            return;
        }
        self.writer.write_indent();
        let foot = std::mem::take(&mut self.foot);
        self.write_comment(&foot);
        self.writer.foot_indent = self.writer.indent.max(0);
    }

    fn write_comment(&mut self, comment: &str) {
        let bytes = comment.as_bytes();
        let mut breaks = false;
        let mut has_sign = false;
        let mut at = 0;
        while at < bytes.len() {
            if is_break(bytes, at) {
                at = self.writer.put_break_of(comment, at);
                breaks = true;
                has_sign = false;
                continue;
            }
            if breaks {
                self.writer.write_indent();
            }
            if !has_sign {
                if bytes[at] != b'#' {
                    self.writer.put_text("# ");
                }
                has_sign = true;
            }
            let end = at + crate::characters::width(bytes[at]);
            self.writer.put_text(&comment[at..end]);
            at = end;
            self.writer.indention = false;
            breaks = false;
        }
        if !breaks {
            self.writer.put_break();
        }
        self.writer.whitespace = true;
    }
}
