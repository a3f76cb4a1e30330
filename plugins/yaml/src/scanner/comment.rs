//! Which comments stand where. The rules, odd ones included, are those of go-yaml v3
//! (scannerc.go, `yaml_parser_scan_line_comment` and `yaml_parser_scan_comments`).

use super::fetch::to_column;
use super::token::{Mark, PendingComment, TokenKind};
use super::{Scanner, to_text};
use crate::characters::{is_blank, is_break, is_break_or_end};

/// How many blanks go-yaml looks over for a comment.
const MAX_BLANKS: usize = 512;

impl Scanner<'_> {
    /// Takes a comment on the line of the token that was just scanned.
    pub(super) fn scan_line_comment(&mut self, token: Mark) {
        if self.newlines > 0 {
            return;
        }
        let Some(blanks) = (0..MAX_BLANKS).find(|&n| !is_blank(self.text, self.position + n))
        else {
            return;
        };
        if self.byte_at(blanks) != b'#' {
            return;
        }
        self.advance_ascii(blanks);
        let start = self.mark;
        let mut text = Vec::new();
        self.read_comment_line(&mut text);
        self.comments.push(PendingComment {
            token,
            start,
            line: to_text(text),
            ..PendingComment::default()
        });
    }

    fn read_comment_line(&mut self, into: &mut Vec<u8>) {
        while !self.is_break_or_end() {
            self.read(into);
        }
    }

    /// Takes the comments between two tokens, and tells heads of what follows from feet of what came before.
    pub(super) fn scan_comments(&mut self, mut scan: Mark) {
        let last = self.tokens.len();
        let Some(mut token) = self.tokens.back() else {
            return;
        };
        if matches!(token.kind, TokenKind::FlowEntry) && last > 1 {
            token = &self.tokens[last - 2];
        }
        let after_value = matches!(token.kind, TokenKind::Value);
        let mut token = token.start;
        let mut start = Mark::default();
        let mut next_indent = self.indent.max(0);
        let mut recent_empty = false;
        let mut first_empty = self.newlines <= 1;
        let mut line = self.mark.line;
        let mut column = self.mark.column;
        let mut text: Vec<u8> = Vec::new();

        // The last line on which a comment still is a foot of the content before it.
        let mut foot_line = None;
        if scan.line > 0 {
            let mut at = (self.mark.line + 1).saturating_sub(self.newlines);
            if self.newlines == 0 && self.mark.column > 1 {
                at += 1;
            }
            foot_line = Some(at);
        }

        let mut ahead = 0;
        while ahead < MAX_BLANKS {
            column += 1;
            if is_blank(self.text, self.position + ahead) {
                ahead += 1;
                continue;
            }
            let here = Mark {
                index: self.mark.index + i64::try_from(ahead).unwrap_or(0),
                line,
                column,
            };
            let closes_flow = self.is_flow_end_at(ahead);
            if closes_flow || is_break_or_end(self.text, self.position + ahead) {
                if closes_flow || !recent_empty {
                    let on_foot_line = Some(start.line) == foot_line && !after_value;
                    let dedented = to_column(start) - 1 < next_indent;
                    if closes_flow || first_empty && (on_foot_line || dedented) {
                        if !text.is_empty() {
                            if dedented {
                                token = start;
                            }
                            self.push_foot(scan, token, start, here, &mut text);
                            scan = here;
                            token = here;
                        }
                    } else if !text.is_empty() && self.byte_at(ahead) != 0 {
                        text.push(b'\n');
                    }
                }
                if !is_break(self.text, self.position + ahead) {
                    break;
                }
                first_empty = false;
                recent_empty = true;
                column = 0;
                line += 1;
                ahead += 1;
                continue;
            }
            if !text.is_empty() && to_column(here) - 1 < next_indent && column != start.column {
                // A comment that stands further left is a foot of what came before.
                self.push_foot(scan, token, start, here, &mut text);
                scan = here;
                token = here;
            }
            if self.byte_at(ahead) != b'#' {
                break;
            }
            if text.is_empty() {
                start = here;
            } else {
                text.push(b'\n');
            }
            recent_empty = false;
            while self.mark.index < here.index && self.byte() != 0 {
                if self.is_break_or_end() {
                    self.skip_line();
                } else {
                    self.skip();
                }
            }
            self.read_comment_line(&mut text);
            // go-yaml sets its counter to 0 here, and its loop adds one.
            ahead = 1;
            column = 0;
            line = self.mark.line;
            next_indent = self.indent.max(0);
        }
        if !text.is_empty() {
            let index = self.mark.index + i64::try_from(ahead).unwrap_or(0) - 1;
            let end = Mark {
                index,
                line,
                column,
            };
            self.comments.push(PendingComment {
                scan,
                token: start,
                start,
                end,
                head: to_text(text),
                ..PendingComment::default()
            });
        }
    }

    fn push_foot(&mut self, scan: Mark, token: Mark, start: Mark, end: Mark, text: &mut Vec<u8>) {
        let foot = to_text(std::mem::take(text));
        self.comments.push(PendingComment {
            scan,
            token,
            start,
            end,
            foot,
            ..PendingComment::default()
        });
    }
}
