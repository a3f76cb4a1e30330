//! Labels and annotations: entries of mappings at given fields.

use std::collections::BTreeMap;

use tidegate_object::{FieldSpec, Kind, Tree as _};
use tidegate_yaml::Tag;

use super::Transformer;
use crate::error::Result;
use crate::resource::text_node;
use crate::resource_set::ResourceSet;
use crate::session::Session;

/// Sets entries in the mappings at all fields.
pub(crate) struct EntryTransformer {
    pub(crate) entries: BTreeMap<String, String>,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Transformer for EntryTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        for resource in set.iter_mut() {
            for (key, value) in &self.entries {
                let mut share = None;
                for field in &self.fields {
                    field.apply(
                        &mut resource.node,
                        Some((Kind::Mapping, Tag::MAP)),
                        &mut |node| {
                            let mut text = text_node(value.clone());
                            if node.field(key).is_none() {
                                text.set_share(
                                    *share.get_or_insert_with(|| resource.shared.add(value)),
                                );
                            }
                            node.set_field(key, text)
                        },
                    )?;
                    resource.shared.settle(&mut resource.node);
                }
            }
        }
        Ok(())
    }
}
