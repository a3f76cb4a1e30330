//! Strategic merge patches, as kustomize applies them: kyaml/yaml/merge2 over kyaml/yaml/walk, with lists growing at
//! the front. `$patch` is obeyed; `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList` are plain data to
//! kustomize, and so they are here.

mod directive;
mod list;

use std::collections::BTreeSet;

use crate::Error;
use crate::schema::{CommentSchemas, Schema, TypeSchema};
use crate::tree::{Kind, Node, Tree, wrong_kind};

use directive::Directive;

/// Applies `patch` to `object`. `None`: the patch deletes the object.
pub fn strategic_merge(
    object: Node,
    mut patch: Node,
    schema: &Schema,
) -> Result<Option<Node>, Error> {
    // Upstream it belongs to the document of the patch, which ends here.
    if let Some(comments) = &mut patch.comments {
        comments.foot.clear();
    }
    let comments = CommentSchemas::of_trees([&object, &patch]);
    Merge {
        schema,
        comments: &comments,
    }
    .walk(Some(object), Patch::Node(patch), None)
}

/// The patch's side of a place.
enum Patch {
    /// The patch says nothing about the place.
    Absent,
    /// What stands at the place came from the patch as a whole: it is merged with itself, which drops nulls and obeys
    /// directives inside of it.
    Same,
    Node(Node),
}

struct Merge<'s> {
    schema: &'s Schema,
    comments: &'s CommentSchemas,
}

impl<'s> Merge<'s> {
    fn walk(
        &self,
        dest: Option<Node>,
        patch: Patch,
        at: Option<TypeSchema<'s>>,
    ) -> Result<Option<Node>, Error> {
        let kind_of = |node: &Node| (!node.is_tagged_null()).then(|| node.node_kind());
        let dest_kind = dest.as_ref().and_then(kind_of);
        let patch_kind = match &patch {
            Patch::Node(node) => kind_of(node),
            _ => None,
        };
        let kind = dest_kind.or(patch_kind);
        if let (Some(a), Some(b), Patch::Node(node)) = (dest_kind, patch_kind, &patch)
            && a != b
        {
            return Err(wrong_kind(a, node));
        }
        let at = self
            .comment_schema(dest.as_ref(), &patch)
            .or(at)
            .or_else(|| self.schema_of(dest.as_ref(), &patch));
        match kind {
            None | Some(Kind::Mapping) => self.walk_mapping(dest, patch, at),
            Some(Kind::Sequence) => self.walk_sequence(dest, patch, at),
            Some(Kind::Scalar) => Ok(match patch {
                Patch::Node(node) => Some(node).filter(|node| !node.is_tagged_null()),
                Patch::Absent | Patch::Same => dest,
            }),
        }
    }

    /// The schema in a comment beside the value, on either side.
    fn comment_schema(&self, dest: Option<&Node>, patch: &Patch) -> Option<TypeSchema<'s>> {
        let patch = match patch {
            Patch::Node(node) => Some(node),
            _ => None,
        };
        [dest, patch]
            .into_iter()
            .flatten()
            .filter(|node| !node.is_tagged_null())
            .find_map(|node| self.comments.of_node(node, self.schema))
    }

    /// The schema of a field: that in a comment of its key or value on either side, or that of its name.
    fn field_schema(
        &self,
        at: Option<TypeSchema<'s>>,
        name: &str,
        sides: [Option<(&Node, &Node)>; 2],
    ) -> Option<TypeSchema<'s>> {
        let in_comment = |(key, value): (&Node, &Node)| {
            let of_value = self.comments.of_node(value, self.schema);
            of_value.or_else(|| self.comments.of_node(key, self.schema))
        };
        sides
            .into_iter()
            .flatten()
            .find_map(in_comment)
            .or_else(|| at?.field(name))
    }

    fn schema_of(&self, dest: Option<&Node>, patch: &Patch) -> Option<TypeSchema<'s>> {
        let patch = match patch {
            Patch::Node(node) => Some(node),
            _ => None,
        };
        [dest, patch].into_iter().flatten().find_map(|node| {
            if node.node_kind() != Kind::Mapping {
                return None;
            }
            let (api_version, kind) = (node.string_field("apiVersion"), node.string_field("kind"));
            if api_version.is_empty() || kind.is_empty() {
                None
            } else {
                self.schema.of_type(api_version, kind)
            }
        })
    }

    fn walk_mapping(
        &self,
        dest: Option<Node>,
        patch: Patch,
        at: Option<TypeSchema<'s>>,
    ) -> Result<Option<Node>, Error> {
        let (mut dest, patch) = match (
            dest.filter(|node| !node.is_tagged_null() || !node.value().is_empty()),
            patch,
        ) {
            (None, Patch::Absent | Patch::Same) => return Ok(None),
            // A written-out null stays; one without text goes (filtered above).
            (Some(dest), Patch::Absent) if dest.is_tagged_null() => return Ok(Some(dest)),
            (Some(dest), Patch::Same) if dest.is_tagged_null() => return Ok(None),
            (_, Patch::Node(patch)) if patch.is_tagged_null() => return Ok(None),
            (dest, Patch::Node(mut patch)) if dest.as_ref().is_none_or(Tree::is_tagged_null) => {
                if matches!(directive::take(&mut patch), Ok(Directive::Delete)) {
                    return Ok(None);
                }
                (patch, Patch::Same)
            }
            (Some(mut dest), Patch::Node(mut patch)) => match directive::take(&mut patch)? {
                Directive::Delete => return Ok(None),
                Directive::Replace => (patch, Patch::Same),
                Directive::Merge => {
                    take_comments(&mut dest, &patch);
                    (dest, Patch::Node(patch))
                }
            },
            (Some(mut dest), Patch::Same) => match directive::take(&mut dest)? {
                Directive::Delete => return Ok(None),
                Directive::Replace | Directive::Merge => (dest, Patch::Same),
            },
            (Some(dest), Patch::Absent) => (dest, Patch::Absent),
            (None, Patch::Node(patch)) => (patch, Patch::Same),
        };
        let whole = matches!(patch, Patch::Same);
        let mut incoming: Vec<Option<(Node, Node)>> = match patch {
            Patch::Node(mut patch) => {
                // Of a field that is there twice, only the first counts.
                let repeated = repeated_keys(patch.entries());
                std::mem::take(patch.fields_mut())
                    .into_iter()
                    .enumerate()
                    .filter(|(at, _)| !repeated.contains(at))
                    .map(|(_, entry)| Some(entry))
                    .collect()
            }
            _ => Vec::new(),
        };
        let repeated = repeated_keys(dest.entries());
        let entries = std::mem::take(dest.fields_mut());
        let merged = dest.fields_mut();
        merged.reserve(entries.len() + incoming.len());
        for (at_entry, (key, value)) in entries.into_iter().enumerate() {
            if repeated.contains(&at_entry) {
                merged.push((key, value));
                continue;
            }
            let of_patch = incoming
                .iter_mut()
                .find(|entry| {
                    entry
                        .as_ref()
                        .is_some_and(|(k, _)| k.value() == key.value())
                })
                .and_then(Option::take);
            let sides = [
                Some((&key, &value)),
                of_patch.as_ref().map(|(key, value)| (key, value)),
            ];
            let at = self.field_schema(at, key.value(), sides);
            let side = match of_patch {
                Some((_, value)) => Patch::Node(value),
                None if whole => Patch::Same,
                None => Patch::Absent,
            };
            // The new value is written in the style of the old one, which decides what a scalar means: upstream's
            // FieldSetter does so.
            let (style, share) = (value.style, value.share());
            let from_patch = matches!(side, Patch::Node(_));
            if let Some(mut value) = self.walk(Some(value), side, at)? {
                if from_patch {
                    value.style = style;
                    if let Some(share) = share {
                        value.set_share(share);
                    }
                }
                merged.push((key, value));
            }
        }
        for (mut key, value) in incoming.into_iter().flatten() {
            let at = self.field_schema(at, key.value(), [Some((&key, &value)), None]);
            // The field is made anew, in the style of the patch's.
            key.comments = None;
            if let Some(value) = self.walk(None, Patch::Node(value), at)? {
                merged.push((key, value));
            }
        }
        Ok(Some(dest))
    }

    fn walk_sequence(
        &self,
        dest: Option<Node>,
        patch: Patch,
        at: Option<TypeSchema<'s>>,
    ) -> Result<Option<Node>, Error> {
        let Some(merge_keys) = at.and_then(|at| at.merge_keys()) else {
            return Ok(match patch {
                Patch::Node(node) => Some(node).filter(|node| !node.is_tagged_null()),
                Patch::Absent | Patch::Same => dest,
            });
        };
        let dest = dest.filter(|node| !node.is_tagged_null());
        let (dest, patch) = match (dest, patch) {
            (_, Patch::Node(patch)) if patch.is_tagged_null() => return Ok(None),
            (None, Patch::Node(patch)) => (patch, Patch::Same),
            (None, Patch::Absent | Patch::Same) => return Ok(None),
            (Some(mut dest), Patch::Node(mut patch)) => match directive::take(&mut patch)? {
                Directive::Delete => return Ok(None),
                Directive::Replace => (patch, Patch::Same),
                Directive::Merge => {
                    take_comments(&mut dest, &patch);
                    (dest, Patch::Node(patch))
                }
            },
            (Some(mut dest), Patch::Same) => match directive::take(&mut dest)? {
                Directive::Delete => return Ok(None),
                Directive::Replace | Directive::Merge => (dest, Patch::Same),
            },
            (Some(dest), Patch::Absent) => (dest, Patch::Absent),
        };
        list::merge(
            self,
            dest,
            patch,
            merge_keys.keys,
            at.and_then(|at| at.elements()),
        )
        .map(Some)
    }
}

/// The places of fields that are there before.
fn repeated_keys(entries: &[(Node, Node)]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for (at, (key, _)) in entries.iter().enumerate() {
        if !seen.insert(key.value()) {
            repeated.insert(at);
        }
    }
    repeated
}

/// Comments of the patch take the place of those of the object (kyaml/yaml/merge2, `Merger.SetComments`).
fn take_comments(dest: &mut Node, patch: &Node) {
    let Some(comments) = patch.comments.as_deref() else {
        return;
    };
    let kept = dest.comments_mut();
    for (kept, new) in [
        (&mut kept.foot, &comments.foot),
        (&mut kept.head, &comments.head),
        (&mut kept.line, &comments.line),
    ] {
        if !new.is_empty() {
            kept.clone_from(new);
        }
    }
}
