//! yaml.v3's decoder, into `interface{}` or `map[string]interface{}` (decode.go, type `decoder`).

use super::key::{SeenKeys, Target, key_identity};
use super::{Walk, decode_binary, merge_needs_mapping};
use crate::error::Error;
use crate::node::{Kind, Node, Tag};
use crate::resolve::{Scalar, resolve};
use crate::scanner::Dialect;
use crate::value::{Map, Value, go_quote};

/// More duplicates of a key than this are not listed one by one.
const MAX_PROBLEMS: usize = 1000;

/// Go's name of the map type for text keys.
const MAP_TYPE: &str = "map[string]interface {}";

struct Decoder<'n> {
    walk: Walk<'n>,
    problems: Vec<String>,
    /// Keys that were set, while a merge is going on.
    merged: Option<SeenKeys>,
}

/// Decodes a document into data of whatever type it has.
pub(crate) fn decode(root: &Node) -> Result<Value, Error> {
    let mut decoder = Decoder::new(root);
    let value = decoder.decode(root)?;
    decoder.finish(value.unwrap_or_default())
}

/// Decodes a document that must be a mapping or null. Its own keys, as opposed to those further down, become texts
/// whatever their type is.
pub(crate) fn decode_object(root: &Node) -> Result<Map, Error> {
    let mut decoder = Decoder::new(root);
    let mut target = Target::Text(Map::new());
    decoder.decode_top(root, &mut target)?;
    let map = match target {
        Target::Text(map) => map,
        Target::Any { .. } => Map::new(),
    };
    decoder.finish(map)
}

impl<'n> Decoder<'n> {
    fn new(root: &'n Node) -> Self {
        Self {
            walk: Walk::new(root),
            problems: Vec::new(),
            merged: None,
        }
    }

    fn finish<T>(self, value: T) -> Result<T, Error> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(Error::Decode(self.problems))
        }
    }

    /// `None` means that the value is left out, because of a problem that was noted.
    fn decode(&mut self, node: &'n Node) -> Result<Option<Value>, Error> {
        self.walk.step()?;
        match &node.kind {
            Kind::Alias(name) => {
                let target = self.walk.open_alias(node, name)?;
                let value = self.decode(target)?;
                self.walk.close_alias();
                Ok(value)
            }
            Kind::Scalar(text) => decode_scalar(node, text).map(Some),
            Kind::Sequence(items) => {
                self.walk.enter()?;
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.extend(self.decode(item)?);
                }
                self.walk.leave();
                Ok(Some(Value::Sequence(values)))
            }
            Kind::Mapping(entries) => {
                let is_text = self.has_text_keys(entries)?;
                let mut target = if is_text {
                    Target::Text(Map::new())
                } else {
                    Target::any()
                };
                let filled = self.fill(entries, &mut target)?;
                Ok(filled.then(|| target.into_value()))
            }
        }
    }

    fn decode_top(&mut self, node: &'n Node, target: &mut Target) -> Result<(), Error> {
        self.walk.step()?;
        match &node.kind {
            Kind::Alias(name) => {
                let aliased = self.walk.open_alias(node, name)?;
                self.decode_top(aliased, target)?;
                self.walk.close_alias();
            }
            Kind::Mapping(entries) => {
                self.fill(entries, target)?;
            }
            Kind::Sequence(_) => self.note_mismatch(node, &Tag::SEQ, "", MAP_TYPE),
            Kind::Scalar(text) => {
                let (tag, value) = resolve_scalar(node, text)?;
                if tag == Tag::BINARY {
                    decode_binary(text)?;
                }
                if value != Scalar::Null {
                    self.note_mismatch(node, &tag, text, MAP_TYPE);
                }
            }
        }
        Ok(())
    }

    fn has_text_keys(&mut self, entries: &'n [(Node, Node)]) -> Result<bool, Error> {
        for (key, _) in entries {
            let mut node = key;
            if let Kind::Alias(name) = &key.kind {
                node = self.walk.target(key, name)?;
            }
            let tag = node.short_tag();
            if tag != Tag::STR && tag != Tag::MERGE {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sets the entries of a mapping, then those that it merges. False if keys repeat.
    fn fill(&mut self, entries: &'n [(Node, Node)], target: &mut Target) -> Result<bool, Error> {
        let known = self.problems.len();
        self.note_duplicates(entries);
        if self.problems.len() > known {
            return Ok(false);
        }
        self.walk.enter()?;
        let mut merged = self.merged.take();
        let mut merge_value = None;
        for (key, value) in entries {
            if is_merge(key) {
                merge_value = Some(value);
                continue;
            }
            let Some(name) = self.decode_key(key, target)? else {
                continue;
            };
            if let Some(merged) = &mut merged {
                let identity = key_identity(&name);
                if !merged.insert(identity) {
                    continue;
                }
            }
            if matches!(name, Value::Map(_) | Value::AnyMap(_) | Value::Sequence(_)) {
                return Err(Error::problem(format!(
                    "invalid map key: {}",
                    name.to_go_syntax(MAP_TYPE)
                )));
            }
            if let Some(value) = self.decode(value)? {
                target.insert(name, value);
            }
        }
        self.merged = merged;
        if let Some(value) = merge_value {
            self.merge(entries, value, target)?;
        }
        self.walk.leave();
        Ok(true)
    }

    /// The key as the target takes it.
    fn decode_key(&mut self, key: &'n Node, target: &Target) -> Result<Option<Value>, Error> {
        if matches!(target, Target::Any { .. }) {
            return self.decode(key);
        }
        self.walk.step()?;
        match &key.kind {
            Kind::Alias(name) => {
                let aliased = self.walk.open_alias(key, name)?;
                let value = self.decode_key(aliased, target)?;
                self.walk.close_alias();
                Ok(value)
            }
            Kind::Scalar(text) => Ok(match resolve_scalar(key, text)? {
                (_, Scalar::Null) => None,
                (tag, _) if tag == Tag::BINARY => Some(Value::String(decode_binary(text)?)),
                _ => Some(Value::String(text.clone())),
            }),
            Kind::Sequence(_) => {
                self.note_mismatch(key, &Tag::SEQ, "", "string");
                Ok(None)
            }
            Kind::Mapping(entries) => {
                let known = self.problems.len();
                self.note_duplicates(entries);
                if self.problems.len() == known {
                    self.note_mismatch(key, &Tag::MAP, "", "string");
                }
                Ok(None)
            }
        }
    }

    fn merge(
        &mut self,
        parent: &'n [(Node, Node)],
        value: &'n Node,
        target: &mut Target,
    ) -> Result<(), Error> {
        let outer = self.merged.take();
        let is_outermost = outer.is_none();
        let mut seen = outer.unwrap_or_default();
        if is_outermost {
            for (key, _) in parent {
                if let Some(name) = self.decode(key)? {
                    let unhashable = match &name {
                        Value::Map(_) => MAP_TYPE,
                        Value::AnyMap(_) => "map[interface {}]interface {}",
                        Value::Sequence(_) => "[]interface {}",
                        _ => "",
                    };
                    if !unhashable.is_empty() {
                        return Err(Error::problem(format!(
                            "runtime error: hash of unhashable type {unhashable}"
                        )));
                    }
                    seen.insert(key_identity(&name));
                }
            }
        }
        self.merged = Some(seen);
        match &value.kind {
            Kind::Sequence(items) => {
                for item in items {
                    self.merge_mapping(item, target)?;
                }
            }
            _ => self.merge_mapping(value, target)?,
        }
        if is_outermost {
            self.merged = None;
        }
        Ok(())
    }

    fn merge_mapping(&mut self, node: &'n Node, target: &mut Target) -> Result<(), Error> {
        match &node.kind {
            Kind::Mapping(entries) => {
                self.walk.step()?;
                self.fill(entries, target)?;
            }
            Kind::Alias(name) => {
                if !self.walk.target(node, name)?.is_mapping() {
                    return Err(merge_needs_mapping());
                }
                self.walk.step()?;
                let aliased = self.walk.open_alias(node, name)?;
                self.merge_mapping(aliased, target)?;
                self.walk.close_alias();
            }
            Kind::Scalar(_) | Kind::Sequence(_) => return Err(merge_needs_mapping()),
        }
        Ok(())
    }

    /// Notes every pair of equal keys.
    fn note_duplicates(&mut self, entries: &[(Node, Node)]) {
        let identity = |node: &'_ Node| -> (u8, String) {
            match &node.kind {
                Kind::Scalar(text) => (0, text.clone()),
                Kind::Alias(name) => (1, name.clone()),
                Kind::Sequence(_) => (2, String::new()),
                Kind::Mapping(_) => (3, String::new()),
            }
        };
        // Few keys are compared with each other, without copies.
        if entries.len() <= 16 {
            let repeats = entries.iter().enumerate().any(|(at, (key, _))| {
                entries[at + 1..]
                    .iter()
                    .any(|(other, _)| is_same_key(key, other))
            });
            if !repeats {
                return;
            }
        }
        let mut places: std::collections::BTreeMap<(u8, String), Vec<usize>> =
            std::collections::BTreeMap::new();
        for (at, (key, _)) in entries.iter().enumerate() {
            places.entry(identity(key)).or_default().push(at);
        }
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for same in places.values().filter(|same| same.len() > 1) {
            for (at, &first) in same.iter().enumerate() {
                pairs.extend(
                    same[at + 1..]
                        .iter()
                        .take(MAX_PROBLEMS.saturating_sub(pairs.len()))
                        .map(|&second| (first, second)),
                );
                if pairs.len() >= MAX_PROBLEMS {
                    break;
                }
            }
        }
        pairs.sort_unstable();
        for (first, second) in pairs {
            let (first, second) = (&entries[first].0, &entries[second].0);
            let name = match &second.kind {
                Kind::Scalar(text) | Kind::Alias(text) => go_quote(text),
                Kind::Sequence(_) | Kind::Mapping(_) => "\"\"".to_owned(),
            };
            self.problems.push(format!(
                "line {}: mapping key {name} already defined at line {}",
                second.line, first.line
            ));
        }
    }

    fn note_mismatch(&mut self, node: &Node, tag: &Tag, text: &str, go_type: &str) {
        let tag = if node.tag.is_empty() { tag } else { &node.tag };
        let value = if *tag == Tag::SEQ || *tag == Tag::MAP {
            String::new()
        } else if text.len() > 10 {
            format!(" `{}...`", String::from_utf8_lossy(&text.as_bytes()[..7]))
        } else {
            format!(" `{text}`")
        };
        self.problems.push(format!(
            "line {}: cannot unmarshal {tag}{value} into {go_type}",
            node.line
        ));
    }
}

fn is_same_key(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Scalar(a), Kind::Scalar(b)) | (Kind::Alias(a), Kind::Alias(b)) => a == b,
        (Kind::Sequence(_), Kind::Sequence(_)) | (Kind::Mapping(_), Kind::Mapping(_)) => true,
        _ => false,
    }
}

/// The tag and the value of a scalar.
fn resolve_scalar(node: &Node, text: &str) -> Result<(Tag, Scalar), Error> {
    if node.is_indicated_string() {
        return Ok((Tag::STR, Scalar::Text));
    }
    let scalar = resolve(Dialect::V3, node.tag.as_str(), text)?;
    let tag = if scalar == Scalar::Text && !node.tag.is_empty() {
        node.tag.clone()
    } else {
        scalar.tag()
    };
    Ok((tag, scalar))
}

fn decode_scalar(node: &Node, text: &str) -> Result<Value, Error> {
    if node.is_indicated_string() {
        return Ok(Value::String(text.to_owned()));
    }
    Ok(match resolve(Dialect::V3, node.tag.as_str(), text)? {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::Uint(value) => Value::Uint(value),
        Scalar::Float(value) => Value::Float(value),
        Scalar::Timestamp(time) => Value::String(time),
        Scalar::Text if node.tag == Tag::BINARY => Value::String(decode_binary(text)?),
        Scalar::Text => Value::String(text.to_owned()),
    })
}

/// Whether a key is `<<` (decode.go, `isMerge`).
pub(crate) fn is_merge(node: &Node) -> bool {
    node.scalar() == Some("<<")
        && (node.tag.is_empty() || node.tag == "!" || node.tag == Tag::MERGE)
}
