//! One object on its way through a build.

mod read;
mod shared;

use std::collections::BTreeMap;

use tidegate_object::{Gvk, Kind, Node, ObjectId, Schema, Tree as _, strategic_merge};
use tidegate_yaml::Tag;

use crate::Error;
use crate::error::{Place, Result};
use crate::origin::Origin;
use crate::secrecy;

pub(crate) use read::{check, read_resources};
pub(crate) use shared::SharedTexts;

/// What a generated object does with one of the same id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// An id that an object had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreviousId {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) kind: String,
}

/// A tree, and what the build knows of it. Upstream keeps the latter in annotations of the object; here it stands
/// beside the tree, and code that depends on those annotations being there says so.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) node: Node,
    /// Oldest first.
    pub(crate) previous: Vec<PreviousId>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    pub(crate) needs_hash: bool,
    pub(crate) behavior: Behavior,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    pub(crate) origin: Option<Origin>,
    pub(crate) transformations: Vec<Origin>,
    /// Names of the variables that read from this object.
    pub(crate) variables: Vec<String>,
    /// Texts that stand in several places of the tree and are one node upstream.
    pub(crate) shared: SharedTexts,
    /// The whole path of the file that the object was read from, or of the one that asks for it to be generated.
    pub(crate) path: Option<String>,
}

impl Resource {
    pub(crate) fn new(node: Node) -> Self {
        Self {
            node,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            needs_hash: false,
            behavior: Behavior::Unspecified,
            allow_name_change: false,
            allow_kind_change: false,
            origin: None,
            transformations: Vec::new(),
            variables: Vec::new(),
            shared: SharedTexts::default(),
            path: None,
        }
    }

    pub(crate) fn kind(&self) -> &str {
        self.node.string_field("kind")
    }

    /// An error that may show part of this object.
    pub(crate) fn refuse(&self, error: impl Into<Error>) -> Error {
        let error = error.into();
        let file = self.path.clone().unwrap_or_default();
        error.of_object(self.kind() == "Secret").at(|| Place {
            folder: file.clone(),
            file,
            line: 0,
            what: format!("{}/{}", self.kind(), self.name()),
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.node.metadata_field("name")
    }

    pub(crate) fn namespace(&self) -> &str {
        self.node.metadata_field("namespace")
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::from_api_version(self.node.string_field("apiVersion"), self.kind())
    }

    pub(crate) fn current_id(&self) -> ObjectId {
        ObjectId::new(self.gvk(), self.name(), self.namespace())
    }

    /// The id that the object came with.
    pub(crate) fn original_id(&self) -> ObjectId {
        self.previous_ids()
            .next()
            .unwrap_or_else(|| self.current_id())
    }

    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = ObjectId> {
        let gvk = self.gvk();
        self.previous.iter().map(move |previous| ObjectId {
            gvk: Gvk::new(
                gvk.group.clone(),
                gvk.version.clone(),
                previous.kind.clone(),
            ),
            name: previous.name.clone(),
            namespace: previous.namespace.clone(),
            cluster_scoped: false,
        })
    }

    /// Cheaper than the ids, which are made anew each time.
    pub(crate) fn has_or_had_name(&self, name: &str) -> bool {
        self.name() == name || self.previous.iter().any(|previous| previous.name == name)
    }

    pub(crate) fn any_id_matches(&self, matches: impl Fn(&ObjectId) -> bool) -> bool {
        self.previous_ids().any(|id| matches(&id)) || matches(&self.current_id())
    }

    /// Notes the current id as a previous one.
    pub(crate) fn store_previous_id(&mut self) {
        let id = self.current_id();
        self.previous.push(PreviousId {
            namespace: id.effective_namespace().to_owned(),
            name: id.name,
            kind: id.gvk.kind.into_owned(),
        });
    }

    /// Whether upstream would have annotations of its own on the object now.
    pub(crate) fn has_build_annotations(&self) -> bool {
        !self.previous.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.needs_hash
            || self.behavior != Behavior::Unspecified
            || self.allow_name_change
            || self.allow_kind_change
            || self.origin.is_some()
    }

    pub(crate) fn set_name(&mut self, name: &str) -> Result<()> {
        let metadata = self.node.field_or_insert("metadata", Kind::Mapping)?;
        Ok(metadata.set_field("name", Node::text(name))?)
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) -> Result<()> {
        if namespace.is_empty() {
            if let Some(metadata) = self.node.field_mut("metadata") {
                metadata.remove_field("namespace");
            }
            return Ok(());
        }
        let metadata = self.node.field_or_insert("metadata", Kind::Mapping)?;
        Ok(metadata.set_field("namespace", Node::text(namespace))?)
    }

    /// A mapping of texts in `metadata`, values of other types as their text.
    pub(crate) fn metadata_map(&self, field: &str) -> BTreeMap<String, String> {
        self.metadata_entries(field)
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// Whether there is metadata, without the field for annotations.
    pub(crate) fn lacks_annotations(&self) -> bool {
        self.node
            .field("metadata")
            .is_some_and(|metadata| metadata.field("annotations").is_none())
    }

    fn metadata_entries(&self, field: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = self
            .node
            .field("metadata")
            .and_then(|metadata| metadata.field(field));
        map.into_iter()
            .flat_map(Node::entries)
            .map(|(key, value)| (key.value(), value.value()))
    }

    pub(crate) fn metadata_value(&self, field: &str, key: &str) -> Option<&str> {
        self.metadata_entries(field)
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Replaces a mapping of texts in `metadata`; an empty one goes.
    pub(crate) fn set_metadata_map(
        &mut self,
        field: &str,
        map: &BTreeMap<String, String>,
    ) -> Result<()> {
        let metadata = self.node.field_or_insert("metadata", Kind::Mapping)?;
        metadata.remove_field(field);
        if map.is_empty() {
            return Ok(());
        }
        let mut node = Node::empty(Kind::Mapping);
        for (key, value) in map {
            node.fields_mut()
                .push((Node::text(key), Node::string(value.as_str())));
        }
        Ok(metadata.set_field(field, node)?)
    }

    /// Applies a strategic merge patch; false: the object is deleted.
    pub(crate) fn apply_patch(&mut self, patch: &Resource, schema: &Schema) -> Result<bool> {
        let (name, namespace, kind) = (
            self.name().to_owned(),
            self.namespace().to_owned(),
            self.kind().to_owned(),
        );
        if patch.allow_name_change || patch.allow_kind_change {
            self.store_previous_id();
        }
        let node = std::mem::take(&mut self.node);
        let is_secret = kind == "Secret";
        let merged = strategic_merge(node, patch.node.clone(), schema)
            .map_err(|error| Error::from(error).of_object(is_secret));
        match merged? {
            Some(node) if !node.is_nil_or_empty() => self.node = node,
            _ => return Ok(false),
        }
        if !patch.allow_kind_change {
            self.node.set_field("kind", Node::text(&kind))?;
        }
        if !patch.allow_name_change {
            self.set_name(&name)?;
        }
        self.set_namespace(&namespace)?;
        Ok(true)
    }

    /// Takes name, namespace, labels and annotations from another state of the object; own labels and annotations
    /// win. kustomize: `CopyMergeMetaDataFieldsFrom`.
    pub(crate) fn merge_metadata_from(&mut self, other: &Resource) -> Result<()> {
        for field in ["labels", "annotations"] {
            let mut merged = other.metadata_map(field);
            merged.extend(self.metadata_map(field));
            self.set_metadata_map(field, &merged)?;
        }
        self.set_name(other.name())?;
        self.set_namespace(other.namespace())?;
        self.needs_hash &= other.needs_hash;
        self.behavior = other.behavior;
        self.previous.clone_from(&other.previous);
        self.prefixes.clone_from(&other.prefixes);
        self.suffixes.clone_from(&other.suffixes);
        self.allow_name_change = other.allow_name_change;
        self.allow_kind_change = other.allow_kind_change;
        self.variables.clone_from(&other.variables);
        Ok(())
    }

    /// Adds the entries of `data` and `binaryData` of another config map or secret; own entries win.
    pub(crate) fn merge_data_from(&mut self, other: &Resource) -> Result<()> {
        for field in ["data", "binaryData"] {
            let texts = |resource: &Resource| -> BTreeMap<String, String> {
                let map = resource.node.field(field);
                let value = |node: &Node| {
                    if node.is_tagged_null() {
                        String::new()
                    } else {
                        node.value().to_owned()
                    }
                };
                map.into_iter()
                    .flat_map(Node::entries)
                    .map(|(k, v)| (k.value().to_owned(), value(v)))
                    .collect()
            };
            let mut merged = texts(other);
            merged.extend(texts(self));
            self.node.remove_field(field);
            if merged.is_empty() {
                continue;
            }
            let map = self.node.field_or_insert(field, Kind::Mapping)?;
            for (key, value) in merged {
                map.fields_mut().push((Node::text(&key), text_node(value)));
            }
        }
        Ok(())
    }

    pub(crate) fn value(&self) -> Result<tidegate_yaml::Value> {
        tidegate_yaml::node_to_canonical_value(&self.node)
            .map_err(|error| secrecy::in_object(error.into(), self.kind()))
    }
}

/// A text whatever it looks like.
pub(crate) fn text_node(text: String) -> Node {
    let mut node = Node::string(text);
    node.tag = Tag::STR;
    node
}
