//! Aliases replaced by what they refer to, and merge keys by what they merge.

use std::collections::BTreeMap;

use super::{Kind, Node};
use crate::decode::Budget;
use crate::decode::v3::is_merge;
use crate::error::{Error, MAX_DEPTH, too_deep};

impl Node {
    /// Replaces every alias by a copy of its anchored node, applies `<<` and drops the anchors
    /// (kyaml, `RNode.DeAnchor`).
    ///
    /// An own key wins over merged ones, of several merged mappings the first one wins. What aliases blow up too far
    /// is an error, as is an alias inside of its own anchor.
    pub fn expand(&mut self) -> Result<(), Error> {
        if !self.has_references() {
            return Ok(());
        }
        Expansion {
            anchors: BTreeMap::new(),
            budget: Budget::default(),
            depth: 0,
        }
        .expand(self)
    }

    /// Whether there is an anchor, an alias or a merge key in the tree.
    fn has_references(&self) -> bool {
        self.anchor.is_some()
            || match &self.kind {
                Kind::Alias(_) => true,
                Kind::Scalar(_) => false,
                Kind::Sequence(items) => items.iter().any(Self::has_references),
                Kind::Mapping(entries) => entries.iter().any(|(key, value)| {
                    is_merge(key) || key.has_references() || value.has_references()
                }),
            }
    }
}

struct Expansion {
    /// Expanded nodes by anchor; nothing for an anchor whose node is being expanded.
    anchors: BTreeMap<Box<str>, Option<Node>>,
    budget: Budget,
    depth: usize,
}

impl Expansion {
    fn expand(&mut self, node: &mut Node) -> Result<(), Error> {
        self.budget.step(false)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep((node.line > 0).then_some(node.line)));
        }
        let anchor = node.anchor.take();
        if let Some(anchor) = &anchor {
            self.anchors.insert(anchor.clone(), None);
        }
        match &mut node.kind {
            Kind::Scalar(_) => {}
            Kind::Alias(name) => {
                let name = std::mem::take(name);
                *node = self.copy(&name)?;
            }
            Kind::Sequence(items) => {
                for item in items {
                    self.expand(item)?;
                }
            }
            Kind::Mapping(entries) => {
                for (key, value) in entries.iter_mut() {
                    self.expand(key)?;
                    self.expand(value)?;
                }
                merge(entries)?;
            }
        }
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Some(node.clone()));
        }
        self.depth -= 1;
        Ok(())
    }

    fn copy(&mut self, name: &str) -> Result<Node, Error> {
        let target = match self.anchors.get(name) {
            None => {
                return Err(Error::problem(format!(
                    "unknown anchor '{name}' referenced"
                )));
            }
            Some(None) => {
                return Err(Error::problem(format!(
                    "anchor '{name}' value contains itself"
                )));
            }
            Some(Some(target)) => target.clone(),
        };
        let depth = self.count(&target, self.depth)?;
        if depth > MAX_DEPTH {
            Err(too_deep(None))
        } else {
            Ok(target)
        }
    }

    /// Counts the nodes of a copy, and gives back how deep it goes.
    fn count(&mut self, node: &Node, depth: usize) -> Result<usize, Error> {
        self.budget.step(true)?;
        let mut deepest = depth;
        match &node.kind {
            Kind::Scalar(_) | Kind::Alias(_) => {}
            Kind::Sequence(items) => {
                for item in items {
                    deepest = deepest.max(self.count(item, depth + 1)?);
                }
            }
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    deepest = deepest
                        .max(self.count(key, depth + 1)?)
                        .max(self.count(value, depth + 1)?);
                }
            }
        }
        Ok(deepest)
    }
}

/// Applies the merge key of a mapping whose children are expanded.
fn merge(entries: &mut Vec<(Node, Node)>) -> Result<(), Error> {
    let Some(at) = entries.iter().position(|(key, _)| is_merge(key)) else {
        return Ok(());
    };
    let (_, merged) = entries.remove(at);
    if entries.iter().any(|(key, _)| is_merge(key)) {
        return Err(Error::Expand("duplicate merge key".to_owned()));
    }
    let mappings = match merged.kind {
        Kind::Mapping(mapping) => vec![mapping],
        Kind::Sequence(items) => {
            let mut mappings = Vec::with_capacity(items.len());
            for item in items {
                match item.kind {
                    Kind::Mapping(mapping) => mappings.push(mapping),
                    Kind::Sequence(_) => {
                        return Err(Error::Expand(
                            "invalid map merge: received a nested sequence".to_owned(),
                        ));
                    }
                    Kind::Scalar(_) | Kind::Alias(_) => return Err(not_a_mapping()),
                }
            }
            // kustomize adds the keys of the last mapping first, then lets earlier ones replace the values.
            mappings.reverse();
            mappings
        }
        Kind::Scalar(_) | Kind::Alias(_) => return Err(not_a_mapping()),
    };
    let own = entries.len();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, (key, _)) in entries.iter().enumerate() {
        places
            .entry(key.scalar().unwrap_or_default().to_owned())
            .or_insert(at);
    }
    for (key, value) in mappings.into_iter().flatten() {
        let name = key.scalar().unwrap_or_default().to_owned();
        match places.get(&name) {
            Some(&at) if at < own => {}
            Some(&at) => entries[at].1 = value,
            None => {
                places.insert(name, entries.len());
                entries.push((key, value));
            }
        }
    }
    Ok(())
}

fn not_a_mapping() -> Error {
    Error::Expand("map merge requires map or sequence of maps as the value".to_owned())
}
