//! Prefixes and suffixes of names.

use std::borrow::Cow;

use tidegate_object::{FieldSpec, Gvk, Kind, Tree as _};
use tidegate_yaml::Tag;

use super::Transformer;
use crate::error::Result;
use crate::resource_set::ResourceSet;
use crate::session::Session;

/// What to add, and where.
#[derive(Debug, Clone)]
pub(crate) enum Affix {
    Prefix(String),
    Suffix(String),
}

/// Adds a prefix or suffix to names.
pub(crate) struct NameAffixTransformer {
    pub(crate) affix: Affix,
    pub(crate) fields: Cow<'static, [FieldSpec]>,
}

/// These names have a meaning of their own.
fn keeps_name(gvk: &Gvk) -> bool {
    gvk.kind == "CustomResourceDefinition"
        || gvk.kind == "Namespace"
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

impl Transformer for NameAffixTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        for resource in set.iter_mut() {
            let id = resource.original_id();
            if keeps_name(&id.gvk) {
                continue;
            }
            for field in self.fields.iter() {
                if !id.gvk.is_selected_by(&field.gvk) {
                    continue;
                }
                if field.path == "metadata/name" {
                    let text = match &self.affix {
                        Affix::Prefix(prefix) => (&mut resource.prefixes, prefix),
                        Affix::Suffix(suffix) => (&mut resource.suffixes, suffix),
                    };
                    if !text.1.is_empty() {
                        text.0.push(text.1.clone());
                        resource.store_previous_id();
                    }
                }
                field.apply(
                    &mut resource.node,
                    Some((Kind::Scalar, Tag::STR)),
                    &mut |node| {
                        let name = match &self.affix {
                            Affix::Prefix(prefix) => format!("{prefix}{}", node.value()),
                            Affix::Suffix(suffix) => format!("{}{suffix}", node.value()),
                        };
                        node.set_scalar(&name, Tag::NONE)
                    },
                )?;
            }
        }
        Ok(())
    }
}
