//! Changes name, tag and digest of images.

use std::borrow::Cow;

use tidegate_object::{FieldSpec, Kind, Node, Tree as _, wrong_kind};
use tidegate_yaml::Tag;

use super::Transformer;
use super::image_reference::ImageChange;
use crate::error::Result;
use crate::kustomization::Image;
use crate::resource_set::ResourceSet;
use crate::session::Session;

pub(crate) struct ImageTransformer {
    pub(crate) image: Image,
    pub(crate) fields: Cow<'static, [FieldSpec]>,
}

impl Transformer for ImageTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        let change = ImageChange::new(&self.image)?;
        for resource in set.iter_mut() {
            if resource.kind() == "CustomResourceDefinition" {
                continue;
            }
            change_containers(&mut resource.node, &change)?;
            for field in self.fields.iter() {
                field.apply(&mut resource.node, None, &mut |node| {
                    change_image(node, &change)
                })?;
            }
        }
        Ok(())
    }
}

/// Changes the images of all lists called `containers` or `initContainers`, wherever they are.
fn change_containers(
    node: &mut Node,
    change: &ImageChange<'_>,
) -> Result<(), tidegate_object::Error> {
    match node.node_kind() {
        Kind::Scalar => {}
        Kind::Sequence => {
            for item in node.list_mut() {
                change_containers(item, change)?;
            }
        }
        Kind::Mapping => {
            for (key, value) in node.fields_mut() {
                change_containers(value, change)?;
                if matches!(key.value(), "containers" | "initContainers")
                    && value.node_kind() == Kind::Sequence
                {
                    for item in value.list_mut() {
                        if item.is_tagged_null() {
                            continue;
                        }
                        if item.node_kind() != Kind::Mapping {
                            return Err(wrong_kind(Kind::Mapping, item));
                        }
                        if let Some(image) = item.field_mut("image") {
                            change_image(image, change)?;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

fn change_image(node: &mut Node, change: &ImageChange<'_>) -> Result<(), tidegate_object::Error> {
    if !node.is_tagged_null() && node.node_kind() != Kind::Scalar {
        return Err(wrong_kind(Kind::Scalar, node));
    }
    match change.apply(node.value()) {
        Some(reference) => node.set_scalar(&reference, Tag::NONE),
        None => Ok(()),
    }
}
