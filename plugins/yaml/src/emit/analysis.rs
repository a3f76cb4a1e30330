//! What a scalar's text allows: which styles can hold it.

use crate::characters::{byte, is_blank, is_blank_or_end, is_break, is_printable, width};

/// The result of looking at a scalar once (emitterc.go, `yaml_emitter_analyze_scalar`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one answer for each style")]
pub(crate) struct Analysis {
    pub(crate) multiline: bool,
    pub(crate) flow_plain_allowed: bool,
    pub(crate) block_plain_allowed: bool,
    pub(crate) single_quoted_allowed: bool,
    pub(crate) block_allowed: bool,
}

impl Analysis {
    /// Looks at a text. `tabs_are_special` is yaml.v2's view: a tab keeps a text out of block scalars too.
    pub(crate) fn of(text: &str, tabs_are_special: bool) -> Self {
        let value = text.as_bytes();
        let Some(&first) = value.first() else {
            return Self {
                multiline: false,
                flow_plain_allowed: false,
                block_plain_allowed: true,
                single_quoted_allowed: true,
                block_allowed: false,
            };
        };
        let starts_like_document = matches!(value, [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..]);
        let mut seen = Seen {
            block_indicators: starts_like_document,
            flow_indicators: starts_like_document,
            ..Seen::default()
        };
        seen.look_at_first(first, value.len() == 1 || is_blank(value, 1));

        let mut preceded_by_whitespace = true;
        let mut at = 0;
        while at < value.len() {
            let b = value[at];
            // Letters, digits and most signs change nothing but the memory of blanks.
            if is_simple(b) && at > 0 {
                seen.previous_space = false;
                seen.previous_break = false;
                preceded_by_whitespace = false;
                at += 1;
                continue;
            }
            let end = at + width(b);
            if at > 0 {
                match b {
                    b',' | b'?' | b'[' | b']' | b'{' | b'}' => seen.flow_indicators = true,
                    b':' => {
                        seen.flow_indicators = true;
                        seen.block_indicators |= end >= value.len() || is_blank(value, end);
                    }
                    b'#' if preceded_by_whitespace => {
                        seen.flow_indicators = true;
                        seen.block_indicators = true;
                    }
                    _ => {}
                }
            }
            if b == b'\t' && !tabs_are_special {
                seen.tabs = true;
            } else if !is_printable(value, at) {
                seen.special = true;
            }
            seen.look_at_space(value, at, end);
            preceded_by_whitespace = is_blank_or_end(value, at);
            at = end;
        }
        seen.conclude()
    }
}

fn is_simple(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'/' | b'_' | b'=' | b'+' | b'"' | b'$' | b'%')
}

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag for each thing that may be met"
)]
struct Seen {
    block_indicators: bool,
    flow_indicators: bool,
    line_breaks: bool,
    special: bool,
    tabs: bool,
    leading_space: bool,
    leading_break: bool,
    trailing_space: bool,
    trailing_break: bool,
    break_space: bool,
    space_break: bool,
    previous_space: bool,
    previous_break: bool,
}

impl Seen {
    fn look_at_first(&mut self, first: u8, followed_by_whitespace: bool) {
        match first {
            b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => {
                self.flow_indicators = true;
                self.block_indicators = true;
            }
            b'?' | b':' => {
                self.flow_indicators = true;
                self.block_indicators |= followed_by_whitespace;
            }
            b'-' if followed_by_whitespace => {
                self.flow_indicators = true;
                self.block_indicators = true;
            }
            _ => {}
        }
    }

    fn look_at_space(&mut self, value: &[u8], at: usize, end: usize) {
        let is_first = at == 0;
        let is_last = end >= value.len();
        if byte(value, at) == b' ' {
            self.leading_space |= is_first;
            self.trailing_space |= is_last;
            self.break_space |= self.previous_break;
            self.previous_space = true;
            self.previous_break = false;
        } else if is_break(value, at) {
            self.line_breaks = true;
            self.leading_break |= is_first;
            self.trailing_break |= is_last;
            self.space_break |= self.previous_space;
            self.previous_space = false;
            self.previous_break = true;
        } else {
            self.previous_space = false;
            self.previous_break = false;
        }
    }

    fn conclude(self) -> Analysis {
        let edges =
            self.leading_space || self.leading_break || self.trailing_space || self.trailing_break;
        let escapes = self.space_break || self.special;
        let plain = !(edges || self.break_space || escapes || self.tabs || self.line_breaks);
        Analysis {
            multiline: self.line_breaks,
            flow_plain_allowed: plain && !self.flow_indicators,
            block_plain_allowed: plain && !self.block_indicators,
            single_quoted_allowed: !(self.break_space || escapes || self.tabs),
            block_allowed: !(self.trailing_space || escapes),
        }
    }
}
