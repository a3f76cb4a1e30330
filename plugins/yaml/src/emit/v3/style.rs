//! How a node shows: whether its tag is written, and in which style (encode.go, `encoder.node`).

use super::super::analysis::Analysis;
use super::{Emitter, Place};
use crate::characters::{is_word, width};
use crate::node::{Kind, Node, Style, Tag};
use crate::resolve::resolve_plain;
use crate::scanner::Dialect;

/// The tag and the style to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presentation {
    /// Handle and rest of the tag, if it is written.
    pub(super) tag: Option<(&'static str, String)>,
    pub(super) style: Style,
}

impl Presentation {
    pub(super) fn of(node: &Node) -> Self {
        let (show_tag, style) = match &node.kind {
            Kind::Scalar(text) => present_scalar(node, text),
            Kind::Sequence(_) => (shows_collection_tag(node, &Tag::SEQ), node.style),
            Kind::Mapping(_) => (shows_collection_tag(node, &Tag::MAP), node.style),
            Kind::Alias(_) => (false, node.style),
        };
        Self {
            tag: show_tag.then(|| split_tag(&node.tag)),
            style,
        }
    }

    /// Bytes of the tag.
    pub(super) fn tag_length(&self) -> usize {
        self.tag
            .as_ref()
            .map_or(0, |(handle, suffix)| handle.len() + suffix.len())
    }
}

fn shows_collection_tag(node: &Node, default: &Tag) -> bool {
    !node.tag.is_empty() && (node.tagged || node.tag != *default)
}

fn present_scalar(node: &Node, text: &str) -> (bool, Style) {
    let mut show_tag = !node.tag.is_empty();
    let mut force_quoting = false;
    if show_tag && !node.tagged {
        let is_quoted_text = node.tag == Tag::STR && node.style.is_quoting();
        if is_quoted_text || resolve_plain(Dialect::V3, text).tag() == node.tag {
            show_tag = false;
        } else if node.tag == Tag::STR {
            show_tag = false;
            force_quoting = true;
        }
    }
    let style = match node.style {
        Style::Plain | Style::Flow if text.contains('\n') => Style::Literal,
        Style::Plain | Style::Flow if force_quoting => Style::DoubleQuoted,
        Style::Flow => Style::Plain,
        style => style,
    };
    (show_tag, style)
}

/// The tag as handle and rest: `!!` for YAML's own, `!` for local ones, none for `!<...>`.
fn split_tag(tag: &Tag) -> (&'static str, String) {
    if let Some(local) = tag.as_str().strip_prefix("!!") {
        return ("!!", local.to_owned());
    }
    match tag.as_str().strip_prefix('!') {
        Some(local) => ("!", local.to_owned()),
        None => ("", tag.to_long().into_owned()),
    }
}

impl Emitter {
    pub(super) fn write_anchor(&mut self, node: &Node) {
        if let Some(anchor) = &node.anchor {
            self.writer.write_indicator("&", true, false, false);
            self.write_name(anchor);
        }
    }

    pub(super) fn write_name(&mut self, name: &str) {
        self.writer.put_text(name);
        self.writer.whitespace = false;
        self.writer.indention = false;
    }

    pub(super) fn write_tag(&mut self, presentation: &Presentation) {
        let Some((handle, suffix)) = &presentation.tag else {
            return;
        };
        if handle.is_empty() {
            self.writer.write_indicator("!<", true, false, false);
            self.write_tag_content(suffix);
            self.writer.write_indicator(">", false, false, false);
            return;
        }
        if !self.writer.whitespace {
            self.writer.put(' ');
        }
        self.write_name(handle);
        self.write_tag_content(suffix);
    }

    fn write_tag_content(&mut self, content: &str) {
        let mut at = 0;
        while at < content.len() {
            let b = content.as_bytes()[at];
            let end = at + width(b);
            if is_word(b)
                || matches!(
                    b,
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
                        | b'~'
                        | b'*'
                        | b'\''
                        | b'('
                        | b')'
                        | b'['
                        | b']'
                )
            {
                self.writer.put(char::from(b));
            } else {
                for octet in content[at..end].bytes() {
                    self.writer.put_text(&format!("%{octet:02X}"));
                }
            }
            at = end;
        }
        self.writer.whitespace = false;
        self.writer.indention = false;
    }

    pub(super) fn write_scalar(&mut self, text: &str, presentation: &Presentation, place: Place) {
        let style = self.select_style(text, presentation, place);
        let allow_breaks = place != Place::SimpleKey;
        let outer = self.increase_indent(true, place, false);
        match style {
            Style::SingleQuoted => self.writer.write_single_quoted(text, allow_breaks),
            Style::DoubleQuoted => self.writer.write_double_quoted(text, allow_breaks),
            Style::Literal | Style::Folded => {
                let indicator = if style == Style::Literal { "|" } else { ">" };
                self.writer.write_indicator(indicator, true, false, false);
                self.writer.write_block_hints(text, self.indent.spaces);
                self.write_line_comment(true);
                if style == Style::Literal {
                    self.writer.write_literal_lines(text);
                } else {
                    self.writer.write_folded_lines(text);
                }
            }
            Style::Plain | Style::Flow => self.writer.write_plain(text, allow_breaks),
        }
        self.writer.indent = outer;
    }

    /// The style that can hold the text here (emitterc.go, `yaml_emitter_select_scalar_style`).
    fn select_style(&self, text: &str, presentation: &Presentation, place: Place) -> Style {
        let analysis = Analysis::of(text, false);
        let in_flow = self.flow_level > 0;
        let is_key = place == Place::SimpleKey;
        let mut style = presentation.style;
        if is_key && analysis.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain {
            let allowed = if in_flow {
                analysis.flow_plain_allowed
            } else {
                analysis.block_plain_allowed
            };
            if !allowed || text.is_empty() && (in_flow || is_key) {
                style = Style::SingleQuoted;
            }
        }
        if style == Style::SingleQuoted && !analysis.single_quoted_allowed {
            style = Style::DoubleQuoted;
        }
        if matches!(style, Style::Literal | Style::Folded)
            && (!analysis.block_allowed || in_flow || is_key)
        {
            style = Style::DoubleQuoted;
        }
        style
    }
}
