//! What changes objects: one file for each transformer.

pub(crate) mod hash;
mod image;
mod image_reference;
mod labels;
mod name_affix;
pub(crate) mod name_reference;
mod namespace;
mod patch;
mod replacement;
mod replicas;
pub(crate) mod sort_order;
mod structured_text;
mod value_add;
pub(crate) mod variables;

pub(crate) use image::ImageTransformer;
pub(crate) use labels::EntryTransformer;
pub(crate) use name_affix::{Affix, NameAffixTransformer};
pub(crate) use namespace::{NamespaceTransformer, RoleBindingSubjects};
pub(crate) use patch::{
    JsonPatchTransformer, PatchTransformer, StrategicMergeTransformer, in_file as patch_in_file,
    not_a_file,
};
pub(crate) use replacement::ReplacementTransformer;
pub(crate) use replicas::ReplicaTransformer;
pub(crate) use value_add::{ValueAddTransformer, value_add_target};

use crate::error::Result;
use crate::resource_set::ResourceSet;
use crate::session::Session;

/// A configured transformer.
pub(crate) trait Transformer {
    fn transform(&self, set: &mut ResourceSet, session: &Session<'_>) -> Result<()>;
}
