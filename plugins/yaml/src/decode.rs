//! Trees to plain data.

mod budget;
mod key;
pub(crate) mod v2;
pub(crate) mod v3;

use std::collections::BTreeMap;

use crate::error::{Error, MAX_DEPTH, too_deep};
use crate::node::{Kind, Node};
pub(crate) use budget::Budget;

/// What every alias of a tree refers to, by the address of the alias.
pub(crate) struct AliasTargets<'n>(BTreeMap<usize, &'n Node>);

impl<'n> AliasTargets<'n> {
    /// Walks the tree in the order of the document: an alias refers to the last anchor before it.
    pub(crate) fn new(root: &'n Node) -> Self {
        let mut targets = Self(BTreeMap::new());
        targets.collect(root, &mut BTreeMap::new());
        targets
    }

    fn collect(&mut self, node: &'n Node, anchors: &mut BTreeMap<&'n str, &'n Node>) {
        if let Some(anchor) = &node.anchor {
            anchors.insert(anchor, node);
        }
        match &node.kind {
            Kind::Alias(name) => {
                if let Some(target) = anchors.get(name.as_str()) {
                    self.0.insert(address(node), target);
                }
            }
            Kind::Sequence(items) => items.iter().for_each(|item| self.collect(item, anchors)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    self.collect(key, anchors);
                    self.collect(value, anchors);
                }
            }
            Kind::Scalar(_) => {}
        }
    }

    pub(crate) fn get(&self, alias: &Node) -> Option<&'n Node> {
        self.0.get(&address(alias)).copied()
    }
}

/// What tells a node from all others while the tree does not move.
pub(crate) fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// The walk over a tree that both decoders share: aliases, depth and the cap on expansion.
struct Walk<'n> {
    root: &'n Node,
    targets: Option<AliasTargets<'n>>,
    /// Aliases that are being followed.
    open_aliases: Vec<usize>,
    budget: Budget,
    depth: usize,
}

impl<'n> Walk<'n> {
    fn new(root: &'n Node) -> Self {
        Self {
            root,
            targets: None,
            open_aliases: Vec::new(),
            budget: Budget::default(),
            depth: 0,
        }
    }

    /// Counts one step of decoding.
    fn step(&mut self) -> Result<(), Error> {
        self.budget.step(!self.open_aliases.is_empty())
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(too_deep(None))
        } else {
            Ok(())
        }
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// What an alias refers to.
    fn target(&mut self, alias: &'n Node, name: &str) -> Result<&'n Node, Error> {
        let root = self.root;
        self.targets
            .get_or_insert_with(|| AliasTargets::new(root))
            .get(alias)
            .ok_or_else(|| Error::problem(format!("unknown anchor '{name}' referenced")))
    }

    /// Begins to follow an alias.
    fn open_alias(&mut self, alias: &'n Node, name: &str) -> Result<&'n Node, Error> {
        if self.open_aliases.contains(&address(alias)) {
            return Err(Error::problem(format!(
                "anchor '{name}' value contains itself"
            )));
        }
        let target = self.target(alias, name)?;
        self.enter()?;
        self.open_aliases.push(address(alias));
        Ok(target)
    }

    fn close_alias(&mut self) {
        self.open_aliases.pop();
        self.leave();
    }
}

/// The error for a value of `<<` that is not a mapping.
fn merge_needs_mapping() -> Error {
    Error::problem("map merge requires map or sequence of maps as the value")
}

/// Decodes the text of a `!!binary` scalar.
fn decode_binary(text: &str) -> Result<String, Error> {
    decode_base64(text)
        .map(|bytes| to_json_text(&bytes))
        .ok_or_else(|| Error::problem("!!binary value contains invalid base64 data"))
}

/// Standard base64 with padding; line breaks are skipped, as Go does.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut group = [0u8; 4];
    let mut filled = 0;
    let mut padding = 0;
    for byte in text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')) {
        if padding > 0 && filled == 0 {
            return None;
        }
        group[filled] = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if filled >= 2 => {
                padding += 1;
                0
            }
            _ => return None,
        };
        if padding > 0 && byte != b'=' {
            return None;
        }
        filled += 1;
        if filled == 4 {
            let [a, b, c, d] = group;
            bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
            bytes.truncate(bytes.len() - padding);
            filled = 0;
        }
    }
    (filled == 0).then_some(bytes)
}

/// Text from bytes, with U+FFFD for each byte that is not UTF-8: what encoding/json makes of a Go string.
fn to_json_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
    }
    text
}
