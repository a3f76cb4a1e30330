//! The objects of a build, in the order they came in.

use std::collections::BTreeSet;

use tidegate_object::{LabelSelector, ObjectId, Schema, Selector, SelectorPatterns};

use crate::Error;
use crate::error::Result;
use crate::resource::{Behavior, Resource};

/// A list of objects, each with an id of its own. kustomize: api/resmap.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResourceSet {
    resources: Vec<Resource>,
    /// The keys of all objects, kept from one [`append_all`](Self::append_all) to the next while nothing else could
    /// change them: a kustomization of many files appends once a file.
    keys: Option<BTreeSet<Key>>,
}

/// What two objects must not have in common: name (it tells most apart), namespace, type.
type Key = (String, String, tidegate_object::Gvk);

fn key(id: ObjectId) -> Key {
    let namespace = id.effective_namespace().to_owned();
    (id.name, namespace, id.gvk)
}

impl ResourceSet {
    pub(crate) fn from_resources(resources: Vec<Resource>) -> Result<Self> {
        let mut set = Self::default();
        set.append_all(resources)?;
        Ok(set)
    }

    pub(crate) fn len(&self) -> usize {
        self.resources.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.resources.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.keys = None;
        self.resources.iter_mut()
    }

    pub(crate) fn get(&self, index: usize) -> &Resource {
        &self.resources[index]
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> &mut Resource {
        self.keys = None;
        &mut self.resources[index]
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.keys = None;
        self.resources.remove(index);
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        self.keys = None;
        self.resources.retain(keep);
    }

    pub(crate) fn into_resources(self) -> Vec<Resource> {
        self.resources
    }

    /// Adds objects; their ids must be new.
    pub(crate) fn append_all(
        &mut self,
        incoming: impl IntoIterator<Item = Resource>,
    ) -> Result<()> {
        let keys = self.keys.get_or_insert_with(|| {
            let keys = self.resources.iter().map(|known| key(known.current_id()));
            keys.collect()
        });
        for resource in incoming {
            if !keys.insert(key(resource.current_id())) {
                return Err(Error::text(format!(
                    "may not add resource with an already registered id: {}",
                    resource.current_id()
                )));
            }
            self.resources.push(resource);
        }
        Ok(())
    }

    /// Adds generated objects, each by its behaviour. kustomize: `AbsorbAll`.
    pub(crate) fn absorb_all(&mut self, incoming: Vec<Resource>) -> Result<()> {
        incoming
            .into_iter()
            .try_for_each(|resource| self.absorb(resource))
    }

    fn absorb(&mut self, mut resource: Resource) -> Result<()> {
        let id = resource.current_id();
        let matches = self.indices_by_any_id(&id.name, |other| id.matches(other));
        let [index] = matches.as_slice() else {
            if !matches.is_empty() {
                let found: Vec<String> = matches
                    .iter()
                    .map(|i| self.get(*i).current_id().to_string())
                    .collect();
                let found = found.join(" ");
                return Err(Error::text(format!(
                    "found multiple objects [{found}] that could accept merge of {id}"
                )));
            }
            if matches!(resource.behavior, Behavior::Merge | Behavior::Replace) {
                let id = go_syntax(&id);
                return Err(Error::text(format!(
                    "id {id} does not exist; cannot merge or replace"
                )));
            }
            return self.append_all([resource]);
        };
        let old = &self.resources[*index];
        match resource.behavior {
            Behavior::Replace => resource.merge_metadata_from(old)?,
            Behavior::Merge => {
                resource.merge_metadata_from(old)?;
                resource.merge_data_from(old)?;
                if old.origin.is_some() {
                    resource.origin.clone_from(&old.origin);
                }
            }
            Behavior::Create | Behavior::Unspecified => {
                return Err(Error::text(format!(
                    "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                    go_syntax(&id),
                    resource.behavior.name()
                )));
            }
        }
        self.keys = None;
        self.resources[*index] = resource;
        Ok(())
    }

    /// The objects that have or had an id with this name that `matches`.
    pub(crate) fn indices_by_any_id(
        &self,
        name: &str,
        matches: impl Fn(&ObjectId) -> bool,
    ) -> Vec<usize> {
        let is_match = |(_, resource): &(usize, &Resource)| {
            resource.has_or_had_name(name) && resource.any_id_matches(&matches)
        };
        self.resources
            .iter()
            .enumerate()
            .filter(is_match)
            .map(|(index, _)| index)
            .collect()
    }

    /// The object that has, or had, an id. kustomize: `GetById`.
    pub(crate) fn index_by_id(&self, id: &ObjectId) -> Result<usize> {
        let problem = match self
            .indices_by_any_id(&id.name, |other| id.matches(other))
            .as_slice()
        {
            [index] => return Ok(*index),
            [] => "no matches",
            _ => "multiple matches",
        };
        Err(Error::text(format!(
            "{problem} for Id {id}; failed to find unique target for patch {id}"
        )))
    }

    /// The objects that a selector means. kustomize: `Select`.
    pub(crate) fn select(&self, selector: &Selector) -> Result<Vec<usize>> {
        let patterns = SelectorPatterns::compile(selector)?;
        let labels = LabelSelector::parse(&selector.label_selector);
        let annotations = LabelSelector::parse(&selector.annotation_selector);
        let mut selected = Vec::new();
        for (index, resource) in self.resources.iter().enumerate() {
            let (current, original) = (resource.current_id(), resource.original_id());
            if (patterns.matches_namespace(original.effective_namespace())
                || patterns.matches_namespace(current.effective_namespace()))
                && (patterns.matches_name(&original.name) || patterns.matches_name(&current.name))
                && patterns.matches_type(&current.gvk)
                && labels
                    .as_ref()
                    .map_err(Clone::clone)?
                    .matches(|key| resource.metadata_value("labels", key))
                && annotations
                    .as_ref()
                    .map_err(Clone::clone)?
                    .matches(|key| resource.metadata_value("annotations", key))
            {
                selected.push(index);
            }
        }
        Ok(selected)
    }

    /// Applies a strategic merge patch to selected objects; deleted ones go. kustomize: `ResMap.ApplySmPatch`.
    pub(crate) fn apply_patch(
        &mut self,
        selected: &[usize],
        patch: &Resource,
        schema: &Schema,
    ) -> Result<()> {
        let mut kept = Vec::with_capacity(self.resources.len());
        self.keys = None;
        for (index, mut resource) in std::mem::take(&mut self.resources).into_iter().enumerate() {
            if selected.contains(&index) {
                let mut copy = patch.clone();
                copy.merge_metadata_from(patch)?;
                let api_version = resource.gvk().api_version();
                tidegate_object::Tree::set_field(
                    &mut copy.node,
                    "apiVersion",
                    tidegate_object::Tree::text(&api_version),
                )?;
                if !resource.apply_patch(&copy, schema)? {
                    continue;
                }
            }
            kept.push(resource);
        }
        self.append_all(kept)
    }
}

/// An id as Go's `%#v` prints it.
fn go_syntax(id: &ObjectId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group, id.gvk.version, id.gvk.kind, id.cluster_scoped, id.name, id.namespace
    )
}
