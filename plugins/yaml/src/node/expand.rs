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
            count: 0,
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
    anchors: BTreeMap<Box<str>, Anchored>,
    /// Anchors met so far.
    count: usize,
    budget: Budget,
    depth: usize,
}

/// The last node with an anchor.
struct Anchored {
    /// Which of the anchors of this name it is.
    number: usize,
    /// The expanded node, or nothing while it is being expanded.
    node: Option<Node>,
}

impl Expansion {
    fn expand(&mut self, node: &mut Node) -> Result<(), Error> {
        self.budget.step(false)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep((node.line > 0).then_some(node.line)));
        }
        let anchor = node.anchor.take();
        self.count += 1;
        let number = self.count;
        if let Some(anchor) = &anchor {
            self.anchors
                .insert(anchor.clone(), Anchored { number, node: None });
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
                let source = MergeSource::of(entries);
                for (key, value) in entries.iter_mut() {
                    self.expand(key)?;
                    self.expand(value)?;
                }
                merge(entries, &source)?;
            }
        }
        // A node further down may have taken the name over.
        if let Some(anchored) = anchor.and_then(|anchor| self.anchors.get_mut(&anchor))
            && anchored.number == number
        {
            anchored.node = Some(node.clone());
        }
        self.depth -= 1;
        Ok(())
    }

    fn copy(&mut self, name: &str) -> Result<Node, Error> {
        let target = match self.anchors.get(name).map(|anchored| &anchored.node) {
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

/// Which values of a merge key were aliases before they were expanded: the words for a wrong one differ.
enum MergeSource {
    Single { is_alias: bool },
    List(Vec<bool>),
}

impl MergeSource {
    fn of(entries: &[(Node, Node)]) -> Self {
        let is_alias = |node: &Node| matches!(node.kind, Kind::Alias(_));
        match entries
            .iter()
            .find(|(key, _)| is_merge(key))
            .map(|(_, value)| value)
        {
            Some(Node {
                kind: Kind::Sequence(items),
                ..
            }) => Self::List(items.iter().map(is_alias).collect()),
            Some(value) => Self::Single {
                is_alias: is_alias(value),
            },
            None => Self::Single { is_alias: false },
        }
    }
}

/// Applies the merge key of a mapping whose children are expanded (kyaml, `removeMergeTags` and `mergeAll`).
fn merge(entries: &mut Vec<(Node, Node)>, source: &MergeSource) -> Result<(), Error> {
    let Some(at) = entries.iter().position(|(key, _)| is_merge(key)) else {
        return Ok(());
    };
    let (_, merged) = entries.remove(at);
    if entries.iter().any(|(key, _)| is_merge(key)) {
        return Err(expand_error("duplicate merge key"));
    }
    let mut mappings = Vec::new();
    match (source, merged.kind) {
        (MergeSource::Single { .. }, Kind::Mapping(mapping)) => mappings.push(mapping),
        (MergeSource::Single { is_alias: true }, _) => {
            return Err(expand_error(ALIAS_IS_NO_MAPPING));
        }
        (MergeSource::List(aliases), Kind::Sequence(items)) => {
            for (item, &is_alias) in items.into_iter().zip(aliases) {
                match item.kind {
                    Kind::Mapping(mapping) => mappings.push(mapping),
                    _ if is_alias => return Err(expand_error(ALIAS_IS_NO_MAPPING)),
                    Kind::Sequence(_) => {
                        return Err(expand_error(
                            "invalid map merge: received a nested sequence",
                        ));
                    }
                    Kind::Scalar(_) | Kind::Alias(_) => return Err(expand_error(NO_MAPPING)),
                }
            }
            // kustomize adds the keys of the last mapping first, then lets earlier ones replace the values.
            mappings.reverse();
        }
        _ => return Err(expand_error(NO_MAPPING)),
    }
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

const NO_MAPPING: &str = "map merge requires map or sequence of maps as the value";
const ALIAS_IS_NO_MAPPING: &str = "invalid map merge: received alias for a non-map value";

fn expand_error(problem: &str) -> Error {
    Error::Expand(problem.to_owned())
}
