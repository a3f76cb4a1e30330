//! Copies a field of one object to fields of others.

use tidegate_object::{
    Kind, LabelSelector, Node, ObjectId, Selector, SelectorPatterns, Tree as _, at_mut, find,
    find_all, split_dotted_path,
};
use tidegate_yaml::Tag;

use super::Transformer;
use super::structured_text::set_in_text;
use crate::Error;
use crate::error::{Result, quote};
use crate::kustomization::{FieldOptions, Replacement, SourceSelector, TargetSelector};
use crate::resource::Resource;
use crate::resource_set::ResourceSet;
use crate::session::Session;

/// kustomize: api/filters/replacement.
pub(crate) struct ReplacementTransformer {
    pub(crate) replacements: Vec<Replacement>,
}

const DEFAULT_FIELD: &str = "metadata.name";

impl Transformer for ReplacementTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        for replacement in &self.replacements {
            let has_source = replacement.source.is_some() || replacement.source_value.is_some();
            let Some(targets) = replacement.targets.as_ref().filter(|_| has_source) else {
                return Err(Error::text(
                    "replacements must specify a source and at least one target",
                ));
            };
            let value = source_value(set, replacement)?;
            for target in targets {
                apply(set, &value, target)?;
            }
        }
        Ok(())
    }
}

fn source_value(set: &ResourceSet, replacement: &Replacement) -> Result<Node> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => {
            return Err(Error::text(
                "value and resource selectors are mutually exclusive",
            ));
        }
        (None, Some(value)) => return Ok(Node::text(value)),
        (Some(source), None) => source,
        (None, None) => {
            return Err(Error::text(
                "replacements must specify a source and at least one target",
            ));
        }
    };
    let resource = select_source(set, source)?;
    let path = if source.field_path.is_empty() {
        DEFAULT_FIELD
    } else {
        &source.field_path
    };
    let found = find(&resource.node, &split_dotted_path(path)).map_err(|error| {
        resource
            .refuse(error)
            .wrap("error looking up replacement source")
    })?;
    let Some(node) = found.filter(|node| !node.is_nil_or_empty()) else {
        return Err(Error::text(format!(
            "fieldPath `{path}` is missing for replacement source {}",
            source.id()
        )));
    };
    refine(source.options.as_ref(), node, resource.kind() == "Secret")
}

fn describe(source: &SourceSelector) -> String {
    let mut text = source.id().to_string();
    if !source.field_path.is_empty() {
        text = format!("{text}:{}", source.field_path);
    }
    if let Some(options) = source
        .options
        .as_ref()
        .filter(|options| !options.delimiter.is_empty() || options.create)
    {
        text = format!(
            "{text}:{}({}), create={}",
            options.delimiter, options.index, options.create
        );
    }
    text
}

/// The ids of an object, the current one first and without regard to its scope.
fn ids(resource: &Resource) -> Vec<ObjectId> {
    let current = ObjectId {
        cluster_scoped: false,
        ..resource.current_id()
    };
    std::iter::once(current)
        .chain(resource.previous_ids())
        .collect()
}

fn select_source<'s>(set: &'s ResourceSet, source: &SourceSelector) -> Result<&'s Resource> {
    let selector = source.id();
    let mut matches = set
        .iter()
        .filter(|resource| ids(resource).iter().any(|id| id.is_selected_by(&selector)));
    match (matches.next(), matches.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Error::text(format!(
            "multiple matches for selector {}",
            describe(source)
        ))),
        (None, _) => Err(Error::text(format!(
            "nothing selected by {}",
            describe(source)
        ))),
    }
}

fn delimited(options: Option<&FieldOptions>) -> Option<&FieldOptions> {
    options.filter(|options| !options.delimiter.is_empty())
}

fn only_scalars() -> Error {
    Error::text("delimiter option can only be used with scalar nodes")
}

/// Takes one part of a delimited text.
fn refine(options: Option<&FieldOptions>, node: &Node, is_secret: bool) -> Result<Node> {
    let Some(options) = delimited(options) else {
        return Ok(node.clone());
    };
    if node.node_kind() != Kind::Scalar {
        return Err(only_scalars());
    }
    let part = usize::try_from(options.index)
        .ok()
        .and_then(|index| node.value().split(&options.delimiter).nth(index));
    let Some(part) = part else {
        return Err(Error::text(format!(
            "options.index {} is out of bounds for value {}",
            options.index,
            if is_secret {
                "of a Secret"
            } else {
                node.value()
            }
        )));
    };
    let mut refined = node.clone();
    refined.kind = tidegate_yaml::Kind::Scalar(part.to_owned());
    Ok(refined)
}

fn apply(set: &mut ResourceSet, value: &Node, target: &TargetSelector) -> Result<()> {
    let Some(select) = &target.select else {
        return Err(Error::text("target must specify resources to select"));
    };
    let in_selector =
        |error: tidegate_object::Error| Error::from(error).wrap("error creating target selector");
    let select = select.to_selector();
    let patterns = SelectorPatterns::compile(&select).map_err(in_selector)?;
    let rejects: Vec<(Selector, SelectorPatterns)> = target
        .reject
        .iter()
        .map(|reject| {
            let selector = reject.to_selector();
            let patterns = SelectorPatterns::compile(&selector).map_err(in_selector)?;
            Ok((selector, patterns))
        })
        .collect::<Result<_>>()?;
    let default_field = [DEFAULT_FIELD.to_owned()];
    let fields = if target.field_paths.is_empty() {
        &default_field[..]
    } else {
        &target.field_paths
    };
    for resource in set.iter_mut() {
        if !matches_labels(resource, &select)? {
            continue;
        }
        let mut rejected = false;
        for (selector, _) in &rejects {
            let by_labels =
                !selector.label_selector.is_empty() || !selector.annotation_selector.is_empty();
            rejected |= by_labels && matches_labels(resource, selector)?;
        }
        let ids = ids(resource);
        rejected |= rejects.iter().any(|(selector, patterns)| {
            !selector.id.is_empty() && ids.iter().any(|id| matches_id(patterns, id))
        });
        if rejected || !ids.iter().any(|id| matches_id(&patterns, id)) {
            continue;
        }
        for field in fields {
            copy_to(&mut resource.node, value, field, target.options.as_ref())
                .map_err(|error| resource.refuse(error))?;
        }
    }
    Ok(())
}

fn matches_id(patterns: &SelectorPatterns, id: &ObjectId) -> bool {
    patterns.matches_type(&id.gvk)
        && patterns.matches_name(&id.name)
        && patterns.matches_namespace(&id.namespace)
}

fn matches_labels(resource: &Resource, selector: &Selector) -> Result<bool> {
    let annotations = LabelSelector::parse(&selector.annotation_selector)?;
    let labels = LabelSelector::parse(&selector.label_selector)?;
    Ok(
        annotations.matches(|key| resource.metadata_value("annotations", key))
            && labels.matches(|key| resource.metadata_value("labels", key)),
    )
}

fn copy_to(
    node: &mut Node,
    value: &Node,
    field: &str,
    options: Option<&FieldOptions>,
) -> Result<()> {
    let create = options
        .filter(|options| options.create)
        .map(|_| value.node_kind());
    let path = split_dotted_path(field);
    if set_in_text(node, value, &path, create) {
        return Ok(());
    }
    let problem = if create.is_some() {
        "unable to find or create field"
    } else {
        "unable to find field"
    };
    let problem = || format!("{problem} {} in replacement target", quote(field));
    let found =
        find_all(node, &path, create).map_err(|error| Error::from(error).wrap(problem()))?;
    if found.is_empty() {
        return Err(Error::text(problem()));
    }
    for position in found.positions {
        if let Some(target) = at_mut(node, &position) {
            set(options, target, value)?;
        }
    }
    Ok(())
}

fn set(options: Option<&FieldOptions>, target: &mut Node, value: &Node) -> Result<()> {
    let mut value = value.clone();
    if let Some(options) = delimited(options) {
        if target.node_kind() != Kind::Scalar {
            return Err(only_scalars());
        }
        let mut parts: Vec<&str> = target.value().split(&options.delimiter).collect();
        let new = if value.is_tagged_null() {
            ""
        } else {
            value.value()
        };
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, new),
            Ok(index) if index >= parts.len() => parts.push(new),
            Ok(index) => parts[index] = new,
        }
        let joined = parts.join(&options.delimiter);
        value.kind = tidegate_yaml::Kind::Scalar(joined);
        value.tag = if value.tag.is_empty() {
            Tag::NONE
        } else {
            value.tag
        };
    }
    if target.node_kind() == Kind::Scalar {
        target.kind = tidegate_yaml::Kind::Scalar(value.value().to_owned());
    } else {
        *target = value;
    }
    Ok(())
}
