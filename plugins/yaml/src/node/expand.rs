//! Aliases replaced by what they refer to, and merge keys by what they merge.

use std::collections::BTreeMap;

use super::{Kind, Node, Tag};
use crate::decode::v3::is_merge;
use crate::decode::{AliasTargets, Budget, address};
use crate::error::{Error, MAX_DEPTH, too_deep};

impl Node {
    /// Replaces every alias by a copy of its anchored node, applies `<<` and drops the anchors
    /// (kyaml, `RNode.DeAnchor`).
    ///
    /// An own key wins over merged ones, of several merged mappings the first one wins. As in kustomize, a merged
    /// mapping that itself has a `<<` may leave that one in the result; decoding applies it.
    ///
    /// What aliases blow up too far is an error, as is an alias inside of its own anchor. The node does not change
    /// then.
    pub fn expand(&mut self) -> Result<(), Error> {
        if self.has_references() {
            let expanded = Expansion {
                targets: AliasTargets::new(self),
                expanded: BTreeMap::new(),
                open: Vec::new(),
                budget: Budget::default(),
                depth: 0,
            }
            .build(self, Origin::Document)?;
            *self = expanded;
        }
        Ok(())
    }

    /// Whether there is an anchor, an alias or a key `<<` or `null` in the tree.
    fn has_references(&self) -> bool {
        self.anchor.is_some()
            || match &self.kind {
                Kind::Alias(_) => true,
                Kind::Scalar(_) => false,
                Kind::Sequence(items) => items.iter().any(Self::has_references),
                Kind::Mapping(entries) => entries.iter().any(|(key, value)| {
                    key.scalar() == Some("<<")
                        || is_written_null(key)
                        || key.has_references()
                        || value.has_references()
                }),
            }
    }
}

/// What is being expanded. kustomize expands nodes in place, but the children of mappings only after copying them:
/// what it does to those, later merges of the same anchor do not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Document,
    DocumentCopy,
    Alias,
    AliasCopy,
}

impl Origin {
    /// The origin of a mapping's children.
    fn copied(self) -> Self {
        match self {
            Self::Document | Self::DocumentCopy => Self::DocumentCopy,
            Self::Alias | Self::AliasCopy => Self::AliasCopy,
        }
    }

    fn is_alias(self) -> bool {
        matches!(self, Self::Alias | Self::AliasCopy)
    }
}

struct Expansion<'n> {
    targets: AliasTargets<'n>,
    /// Anchored nodes that were expanded in place, by address. A merge takes its target as it is: expanded if an
    /// alias that is no merge came before, as written otherwise.
    expanded: BTreeMap<usize, Node>,
    /// Targets that are being expanded.
    open: Vec<usize>,
    budget: Budget,
    depth: usize,
}

impl<'n> Expansion<'n> {
    fn build(&mut self, node: &'n Node, origin: Origin) -> Result<Node, Error> {
        self.budget.step(origin.is_alias())?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep((node.line > 0).then_some(node.line)));
        }
        let kind = match &node.kind {
            Kind::Scalar(text) => Kind::Scalar(text.clone()),
            Kind::Alias(name) => {
                let copy = self.copy(node, name)?;
                self.depth -= 1;
                return Ok(copy);
            }
            Kind::Sequence(items) => {
                let items = items.iter().map(|item| self.build(item, origin));
                Kind::Sequence(items.collect::<Result<_, _>>()?)
            }
            Kind::Mapping(entries) => Kind::Mapping(self.build_entries(entries, origin.copied())?),
        };
        self.depth -= 1;
        let built = Node {
            kind,
            tag: node.tag.clone(),
            anchor: None,
            comments: node.comments.clone(),
            ..*node
        };
        if node.anchor.is_some() && matches!(origin, Origin::Document | Origin::Alias) {
            self.expanded.insert(address(node), built.clone());
        }
        Ok(built)
    }

    /// A copy of what an alias refers to.
    fn copy(&mut self, alias: &'n Node, name: &str) -> Result<Node, Error> {
        let Some(target) = self.targets.get(alias) else {
            return Err(Error::problem(format!(
                "unknown anchor '{name}' referenced"
            )));
        };
        if self.open.contains(&address(target)) {
            return Err(Error::problem(format!(
                "anchor '{name}' value contains itself"
            )));
        }
        if let Some(expanded) = self.expanded.get(&address(target)) {
            let copy = expanded.clone();
            self.count(&copy, self.depth)?;
            return Ok(copy);
        }
        self.open.push(address(target));
        let copy = self.build(target, Origin::Alias)?;
        self.open.pop();
        Ok(copy)
    }

    /// Counts the nodes of a copy.
    fn count(&mut self, node: &Node, depth: usize) -> Result<(), Error> {
        self.budget.step(true)?;
        if depth > MAX_DEPTH {
            return Err(too_deep(None));
        }
        match &node.kind {
            Kind::Scalar(_) | Kind::Alias(_) => Ok(()),
            Kind::Sequence(items) => items
                .iter()
                .try_for_each(|item| self.count(item, depth + 1)),
            Kind::Mapping(entries) => entries.iter().try_for_each(|(key, value)| {
                self.count(key, depth + 1)?;
                self.count(value, depth + 1)
            }),
        }
    }

    /// The entries of a mapping with what it merges (kyaml, `removeMergeTags` and `mergeAll`).
    fn build_entries(
        &mut self,
        entries: &'n [(Node, Node)],
        origin: Origin,
    ) -> Result<Vec<(Node, Node)>, Error> {
        let mut merge_keys = entries.iter().filter(|(key, _)| is_merge(key));
        let source = merge_keys.next().map(|(_, value)| value);
        if merge_keys.next().is_some() {
            return Err(expand_error("duplicate merge key"));
        }
        // What is merged is settled before the own values are expanded.
        let mappings: Vec<(&Node, Option<Node>)> = match source {
            Some(source) => {
                let with_state = |mapping| (mapping, self.expanded.get(&address(mapping)).cloned());
                self.find_merged(source)?
                    .into_iter()
                    .map(with_state)
                    .collect()
            }
            None => Vec::new(),
        };
        // kustomize removes the key by its text, merge or not.
        let removed = entries
            .iter()
            .position(|(key, _)| key.scalar() == Some("<<"));
        let mut result = Vec::with_capacity(entries.len());
        for (at, (key, value)) in entries.iter().enumerate() {
            if Some(at) != removed {
                result.push((self.build(key, origin)?, self.build(value, origin)?));
            }
        }
        let own = result.len();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (at, (key, _)) in result.iter().enumerate() {
            places.entry(to_name(key)).or_insert(at);
        }
        for (mapping, expanded) in mappings {
            if self.open.contains(&address(mapping)) {
                let name = mapping.anchor.as_deref().unwrap_or_default();
                return Err(Error::problem(format!(
                    "anchor '{name}' value contains itself"
                )));
            }
            let added = if let Some(expanded) = expanded {
                self.count(&expanded, self.depth)?;
                expanded
            } else {
                self.open.push(address(mapping));
                let built = self.build_as_written(mapping)?;
                self.open.pop();
                built
            };
            let Kind::Mapping(added) = added.kind else {
                continue;
            };
            for (key, value) in added {
                let name = to_name(&key);
                match places.get(&name) {
                    Some(&at) if at < own => {}
                    Some(&at) => result[at].1 = value,
                    None => {
                        places.insert(name, result.len());
                        result.push((key, value));
                    }
                }
            }
        }
        repeat_null_keys(&mut result, own);
        Ok(result)
    }

    /// A mapping whose children are expanded, but whose own `<<` stays. Of equal keys only the first one counts.
    fn build_as_written(&mut self, mapping: &'n Node) -> Result<Node, Error> {
        let mut entries = Vec::with_capacity(mapping.entries().len());
        let mut seen = std::collections::BTreeSet::new();
        for (key, value) in mapping.entries() {
            if seen.insert(to_name(key)) {
                entries.push((
                    self.build(key, Origin::AliasCopy)?,
                    self.build(value, Origin::AliasCopy)?,
                ));
            }
        }
        Ok(Node::mapping(entries))
    }

    /// The mappings of a merge key. kustomize adds the keys of the last one first, then lets earlier ones replace
    /// the values.
    fn find_merged(&self, value: &'n Node) -> Result<Vec<&'n Node>, Error> {
        match &value.kind {
            Kind::Mapping(_) => Ok(vec![value]),
            Kind::Scalar(_) => Err(expand_error(NO_MAPPING)),
            Kind::Alias(name) => match self.targets.get(value) {
                Some(target) if target.is_mapping() => Ok(vec![target]),
                Some(_) => Err(expand_error(ALIAS_IS_NO_MAPPING)),
                None => Err(Error::problem(format!(
                    "unknown anchor '{name}' referenced"
                ))),
            },
            Kind::Sequence(items) => {
                let mut mappings = Vec::with_capacity(items.len());
                for item in items.iter().rev() {
                    if item.is_sequence() {
                        return Err(expand_error(
                            "invalid map merge: received a nested sequence",
                        ));
                    }
                    mappings.extend(self.find_merged(item)?);
                }
                Ok(mappings)
            }
        }
    }
}

/// A key such as `~`, which is a null with a text.
fn is_written_null(key: &Node) -> bool {
    key.tag == Tag::NULL && key.scalar().is_some_and(|text| !text.is_empty())
}

/// kustomize sets every own entry once more at last, and looks for a null by an empty name: it takes the place of the
/// entry of that name, or is there twice.
fn repeat_null_keys(entries: &mut Vec<(Node, Node)>, own: usize) {
    if !entries[..own].iter().any(|(key, _)| is_written_null(key)) {
        return;
    }
    let repeated = entries[..own].to_vec();
    for (key, value) in repeated {
        let is_nameless = key.scalar() == Some("");
        if !is_nameless && !is_written_null(&key) {
            continue;
        }
        match entries.iter_mut().find(|(k, _)| k.scalar() == Some("")) {
            Some(entry) => *entry = (key, value),
            None => entries.push((key, value)),
        }
    }
}

fn to_name(key: &Node) -> String {
    key.scalar().unwrap_or_default().to_owned()
}

const NO_MAPPING: &str = "map merge requires map or sequence of maps as the value";
const ALIAS_IS_NO_MAPPING: &str = "invalid map merge: received alias for a non-map value";

fn expand_error(problem: &str) -> Error {
    Error::Expand(problem.to_owned())
}
