//! Flow collections in the output.

use super::{Emitter, Place, is_simple_key};
use crate::error::Error;
use crate::node::Node;

impl Emitter {
    /// Ends the line of an item with its comments; the comma must come before them.
    fn write_item_comments(&mut self) {
        if self.has_trailing_comment() {
            self.writer.write_indicator(",", false, false, false);
        }
        self.write_line_comment(false);
        self.write_foot_comment();
    }

    /// What stands between two items.
    fn begin_item(&mut self, needs_comma: bool) {
        if needs_comma {
            self.writer.write_indicator(",", false, false, false);
        }
        self.write_head_comment();
        if self.writer.column == 0 {
            self.writer.write_indent();
        }
    }

    pub(super) fn write_flow_sequence(
        &mut self,
        node: &Node,
        items: &[Node],
        place: Place,
    ) -> Result<(), Error> {
        self.writer.write_indicator("[", true, true, false);
        let outer = self.increase_indent(true, place, false);
        self.flow_level += 1;
        let mut needs_comma = false;
        for item in items {
            self.announce(item, "");
            self.begin_item(needs_comma);
            needs_comma = !self.has_trailing_comment();
            let presentation = self.start_node(item, Place::FlowItem);
            self.write_item_comments();
            self.write_children(item, &presentation, Place::FlowItem)?;
        }
        self.announce_end(node, "");
        self.flow_level -= 1;
        self.writer.indent = outer;
        if self.writer.column == 0 {
            self.writer.write_indent();
        }
        self.writer.write_indicator("]", false, false, false);
        self.write_line_comment(false);
        self.write_foot_comment();
        Ok(())
    }

    pub(super) fn write_flow_mapping(
        &mut self,
        node: &Node,
        entries: &[(Node, Node)],
        place: Place,
    ) -> Result<(), Error> {
        self.writer.write_indicator("{", true, true, false);
        let outer = self.increase_indent(true, place, false);
        self.flow_level += 1;
        let mut needs_comma = false;
        let mut tail = String::new();
        for (key, value) in entries {
            tail = self.announce_key(key, &tail);
            self.begin_item(needs_comma);
            if is_simple_key(key) {
                let presentation = self.start_node(key, Place::SimpleKey);
                self.write_children(key, &presentation, Place::SimpleKey)?;
                self.announce(value, "");
                self.writer.write_indicator(":", false, false, false);
            } else {
                self.writer.write_indicator("?", true, false, false);
                let presentation = self.start_node(key, Place::Key);
                self.write_children(key, &presentation, Place::Key)?;
                self.announce(value, "");
                self.writer.write_indicator(":", true, false, false);
            }
            needs_comma = !self.has_trailing_comment();
            let presentation = self.start_node(value, Place::Value);
            self.write_item_comments();
            self.write_children(value, &presentation, Place::Value)?;
        }
        self.announce_end(node, &tail);
        let has_end_comment =
            !(self.head.is_empty() && self.foot.is_empty() && self.tail.is_empty());
        if has_end_comment && needs_comma {
            self.writer.write_indicator(",", false, false, false);
        }
        self.write_head_comment();
        self.flow_level -= 1;
        self.writer.indent = outer;
        self.writer.write_indicator("}", false, false, false);
        self.write_line_comment(false);
        self.write_foot_comment();
        Ok(())
    }
}
