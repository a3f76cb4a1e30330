//! Adds one value to fields of many objects.

use tidegate_object::{FieldSpec, Gvk, Kind, Node, Selector, Tree as _};
use tidegate_yaml::Tag;

use super::{NamespaceTransformer, RoleBindingSubjects, Transformer};
use crate::error::Result;
use crate::resource_set::ResourceSet;
use crate::session::Session;

pub(crate) struct ValueAddTransformer {
    pub(crate) value: String,
    pub(crate) targets: Vec<ValueAddTarget>,
}

pub(crate) struct ValueAddTarget {
    pub(crate) selector: Option<Selector>,
    pub(crate) field_path: String,
    /// 0: the value replaces the field; otherwise it becomes that part of the file path in the field.
    pub(crate) file_path_position: usize,
}

impl Transformer for ValueAddTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        for target in &self.targets {
            let selected = match &target.selector {
                None => (0..set.len()).collect(),
                Some(selector) => set.select(selector)?,
            };
            for index in selected {
                let node = &mut set.get_mut(index).node;
                if target.field_path == "metadata/namespace" {
                    let transformer = NamespaceTransformer {
                        namespace: self.value.clone(),
                        fields: Vec::new(),
                        unset_only: false,
                        subjects: RoleBindingSubjects::DefaultOnly,
                    };
                    transformer.apply(node)?;
                } else {
                    self.add(node, target)?;
                }
            }
        }
        Ok(())
    }
}

impl ValueAddTransformer {
    fn add(&self, node: &mut Node, target: &ValueAddTarget) -> Result<()> {
        let spec = FieldSpec::new(Gvk::default(), target.field_path.clone(), true);
        spec.apply_to_any(node, Some((Kind::Scalar, Tag::NONE)), &mut |node| {
            let value = match target.file_path_position {
                0 => self.value.clone(),
                position => insert_path_part(node.value(), position - 1, &self.value),
            };
            node.set_scalar(&value, Tag::NONE)
        })?;
        Ok(())
    }
}

/// Inserts a part into a file path; positions beyond its end append. kyaml/filesys, `InsertPathPart`.
fn insert_path_part(path: &str, position: usize, part: &str) -> String {
    let (root, relative) = path
        .strip_prefix('/')
        .map_or(("", path), |rest| ("/", rest));
    let mut parts: Vec<&str> = relative
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    parts.insert(position.min(parts.len()), part);
    format!("{root}{}", parts.join("/"))
}

pub(crate) fn value_add_target(
    selector: Option<Selector>,
    field_path: String,
    file_path_position: usize,
) -> ValueAddTarget {
    ValueAddTarget {
        selector,
        field_path,
        file_path_position,
    }
}
