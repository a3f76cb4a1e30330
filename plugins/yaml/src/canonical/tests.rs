//! The shortcut gives what the long way gives, or nothing.

use std::fmt::Write as _;

use super::*;
use crate::node::{Kind, Tag};

/// Writes documents with every style and many comments; every run sees the same ones.
struct Writer {
    state: u64,
    text: String,
}

const SCALARS: &[&str] = &[
    "a",
    "1",
    "1.0",
    "true",
    "yes",
    "~",
    "",
    "'q'",
    "\"d\\n\"",
    "0x1F",
    "1e3",
    "2001-12-14",
    "[]",
    "{}",
    "[a, 1]",
    "{a: 1, b: }",
    "a b",
    "\"tab\\there\"",
    "{a: [b], c: 'x'}",
    "012",
    "1_000",
    "-0",
    "12:30",
];

impl Writer {
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        usize::try_from(self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % limit
    }

    /// Takes tags away, as from nodes that are made by hand.
    fn forget_tags(&mut self, node: &mut Node) {
        if node.is_scalar() && self.below(3) == 0 {
            node.tag = Tag::NONE;
        }
        match &mut node.kind {
            Kind::Sequence(items) => items.iter_mut().for_each(|item| self.forget_tags(item)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    if self.below(6) == 0 {
                        let name = SCALARS[self.below(SCALARS.len())];
                        key.kind = Kind::Scalar(name.trim_matches('\'').to_owned());
                        key.tag = Tag::NONE;
                    }
                    self.forget_tags(key);
                    self.forget_tags(value);
                }
            }
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
    }

    fn comment(&mut self, indent: usize) {
        if self.below(4) == 0 {
            let by = [indent, indent.saturating_sub(2), indent + 2, 0][self.below(4)];
            let _ = writeln!(self.text, "{:by$}# c", "");
        }
        if self.below(6) == 0 {
            self.text.push('\n');
        }
    }

    fn end_line(&mut self) {
        let end = ["\n", "\n", " # l\n"][self.below(3)];
        self.text.push_str(end);
    }

    fn value(&mut self, indent: usize, depth: usize) {
        match self.below(if depth < 4 { 7 } else { 5 }) {
            0..3 => {
                let scalar = SCALARS[self.below(SCALARS.len())];
                let _ = write!(self.text, " {scalar}");
                self.end_line();
            }
            3 | 4 => {
                let header = ["|", "|-", "|+", ">", ">-", ">+"][self.below(6)];
                let _ = write!(self.text, " {header}");
                self.end_line();
                for _ in 0..=self.below(3) {
                    let line = ["text", "# text", "", "  more", "a: b"][self.below(5)];
                    let indent = indent + 2;
                    let _ = writeln!(self.text, "{:indent$}{line}", "");
                }
                for _ in 0..self.below(3) {
                    self.text.push('\n');
                }
            }
            5 => {
                self.end_line();
                self.mapping(indent + 2, depth + 1);
            }
            _ => {
                self.end_line();
                for _ in 0..=self.below(3) {
                    self.comment(indent);
                    let _ = write!(self.text, "{:indent$}-", "");
                    self.value(indent, depth + 1);
                }
            }
        }
    }

    fn mapping(&mut self, indent: usize, depth: usize) {
        for at in 0..=self.below(4) {
            self.comment(indent);
            let _ = write!(self.text, "{:indent$}k{at}:", "");
            self.value(indent, depth);
        }
        self.comment(indent);
    }
}

#[test]
fn the_shortcut_gives_what_the_long_way_gives() {
    let mut short = 0;
    for seed in 1..=4000 {
        let mut writer = Writer {
            state: 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed),
            text: String::new(),
        };
        writer.mapping(0, 0);
        let Ok(Some(document)) = crate::parse_first_document(writer.text.as_bytes()) else {
            continue;
        };
        let mut node = document.into_root();
        if seed % 2 == 0 {
            writer.forget_tags(&mut node);
        }
        let Some(value) = shortcut::to_value(&node) else {
            continue;
        };
        short += 1;
        let long = through_text(&node).and_then(|value| through_json(&value));
        assert_eq!(Ok(value), long, "seed {seed}:\n{}", writer.text);
    }
    assert!(short > 1000, "only {short} documents took the shortcut");
}
