//! Sets the number of replicas.

use std::borrow::Cow;

use tidegate_object::{FieldSpec, Kind, Tree as _};
use tidegate_yaml::Tag;

use super::Transformer;
use crate::Error;
use crate::error::Result;
use crate::kustomization::Replica;
use crate::resource_set::ResourceSet;
use crate::session::Session;

pub(crate) struct ReplicaTransformer {
    pub(crate) replica: Replica,
    pub(crate) fields: Cow<'static, [FieldSpec]>,
}

impl Transformer for ReplicaTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        let mut found = false;
        for field in self.fields.iter() {
            let matches = set.indices_by_any_id(&self.replica.name, |id| {
                id.name == self.replica.name && id.gvk.is_selected_by(&field.gvk)
            });
            for index in matches {
                found = true;
                field.apply(
                    &mut set.get_mut(index).node,
                    Some((Kind::Scalar, Tag::INT)),
                    &mut |node| node.set_scalar(&self.replica.count.to_string(), Tag::INT),
                )?;
            }
        }
        if found {
            return Ok(());
        }
        let types: Vec<String> = self
            .fields
            .iter()
            .map(|field| field.gvk.to_string())
            .collect();
        Err(Error::text(format!(
            "resource with name {} does not match a config with the following GVK [{}]",
            self.replica.name,
            types.join(" ")
        )))
    }
}
