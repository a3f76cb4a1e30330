//! Objects from the text of a file.

use std::borrow::Cow;
use std::fmt::Write as _;

use tidegate_object::{Kind, Node, Tree as _};
use tidegate_yaml::Document;

use super::{Behavior, PreviousId, Resource};
use crate::Error;
use crate::error::Result;
use crate::secrecy;

/// The objects in a YAML or JSON text: empty documents are left out, lists opened, aliases expanded.
/// kustomize: api/resource, `Factory.SliceFromBytes`; kyaml/kio, `FromBytes`.
///
/// Errors show nothing that the text of a Secret holds.
pub(crate) fn read_resources(content: &[u8]) -> Result<Vec<Resource>> {
    read_all(content).map_err(|error| secrecy::in_text(error, content))
}

fn read_all(content: &[u8]) -> Result<Vec<Resource>> {
    let mut queue: std::collections::VecDeque<Node> = read_nodes(content)?.into();
    check_all(queue.iter())?;
    let mut resources = Vec::with_capacity(queue.len());
    while let Some(mut node) = queue.pop_front() {
        let is_list = node.string_field("kind").ends_with("List");
        let Some(items) = is_list.then(|| node.field_mut("items")).flatten() else {
            resources.push(resource_from_node(node));
            continue;
        };
        if items.is_tagged_null() {
            continue;
        }
        if items.node_kind() != Kind::Sequence {
            let kind = match tidegate_yaml::decode(items)? {
                tidegate_yaml::Value::Map(_) | tidegate_yaml::Value::AnyMap(_) => {
                    "map[string]interface {}"
                }
                tidegate_yaml::Value::String(_) => "string",
                tidegate_yaml::Value::Bool(_) => "bool",
                tidegate_yaml::Value::Float(_) => "float64",
                _ => "int",
            };
            let list = node.string_field("kind");
            return Err(Error::text(format!(
                "expected array in {list}/items, but found {kind}"
            )));
        }
        // Upstream passes the items through JSON.
        let inner: Vec<Node> = items
            .items()
            .iter()
            .map(|item| Ok(Node::from(&tidegate_yaml::decode(item)?)))
            .filter(|node: &Result<Node>| !matches!(node, Ok(node) if node.is_nil_or_empty()))
            .collect::<Result<_>>()?;
        check_all(inner.iter())?;
        queue.extend(inner);
    }
    Ok(resources)
}

fn check_all<'n>(nodes: impl Iterator<Item = &'n Node>) -> Result<()> {
    for node in nodes {
        check(node)?;
    }
    Ok(())
}

fn read_nodes(content: &[u8]) -> Result<Vec<Node>> {
    // As bytes: what is wrong with text that is not UTF-8 is told by who reads the YAML.
    let content = without_carriage_returns(content);
    let documents = split_documents(&content)?;
    let single = documents.len() == 1;
    let mut nodes = Vec::with_capacity(documents.len());
    for document in documents {
        let parsed = tidegate_yaml::parse_first_document(document)
            .map_err(|error| Error::from(error).wrap("MalformedYAMLError"))?;
        let Some(node) = parsed.map(Document::into_root) else {
            continue;
        };
        if node.is_tagged_null() {
            continue;
        }
        let kind = node.string_field("kind");
        if single && (kind == "List" || kind == "ResourceList") {
            let mut node = node;
            if let Some(items) = node.field_mut("items") {
                items.expand()?;
                nodes.append(items.list_mut());
                continue;
            }
            if node.field("functionConfig").is_some() {
                continue;
            }
            nodes.push(node);
            continue;
        }
        nodes.push(node);
    }
    for node in &mut nodes {
        node.expand()?;
    }
    nodes.retain(|node| !node.is_nil_or_empty());
    Ok(nodes)
}

/// Line ends of Windows as line feeds.
fn without_carriage_returns(content: &[u8]) -> Cow<'_, [u8]> {
    if find(content, b"\r\n").is_none() {
        return Cow::Borrowed(content);
    }
    let mut text = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = find(rest, b"\r\n") {
        text.extend_from_slice(&rest[..at]);
        text.push(b'\n');
        rest = &rest[at + 2..];
    }
    text.extend_from_slice(rest);
    Cow::Owned(text)
}

/// Splits where a line starts with `---`, which only a comment may follow. kyaml/kio, `splitDocuments`.
fn split_documents(text: &[u8]) -> Result<Vec<&[u8]>> {
    let mut documents = Vec::new();
    if text.is_empty() {
        return Ok(documents);
    }
    let mut start = 0;
    while let Some(found) = find(&text[start..], b"\n---") {
        let separator = start + found;
        let Some(length) = find(&text[separator + 1..], b"\n") else {
            break;
        };
        let end = separator + 1 + length;
        let line = String::from_utf8_lossy(&text[separator + 1..end]);
        let after = line.strip_prefix("---").unwrap_or(&line).trim();
        if !after.is_empty() && !after.starts_with('#') {
            return Err(Error::text(format!(
                "invalid document separator: {}",
                line.trim()
            )));
        }
        // The line feed stays with the document before it.
        documents.push(&text[start..=separator]);
        start = end + 1;
    }
    documents.push(&text[start..]);
    Ok(documents)
}

/// Where `pattern` begins first.
fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    let (first, others) = pattern.split_first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if text[from..].starts_with(others) {
            return Some(from - 1);
        }
    }
    None
}

/// An object needs kind and name (lists need no name). kyaml/yaml, `GetValidatedMetadata`.
pub(crate) fn check(node: &Node) -> Result<()> {
    let field = |name: &str| node.field(name).filter(|field| !field.is_nil_or_empty());
    let metadata = field("metadata");
    let in_metadata = |name: &str| {
        metadata
            .and_then(|m| m.field(name))
            .filter(|field| !field.is_nil_or_empty())
    };
    let is_empty = field("apiVersion").is_none()
        && field("kind").is_none()
        && ["name", "namespace", "labels", "annotations"]
            .iter()
            .all(|name| in_metadata(name).is_none());
    if is_empty {
        return Err(Error::text("missing Resource metadata"));
    }
    let kind = field("kind").map_or("", |kind| kind.value());
    if kind.is_empty() {
        return Err(Error::text(format!(
            "missing kind in object {}",
            describe(node)
        )));
    }
    if kind.ends_with("List") {
        return Ok(());
    }
    if in_metadata("name").is_none_or(|name| name.value().is_empty()) {
        return Err(Error::text(format!(
            "missing metadata.name in object {}",
            describe(node)
        )));
    }
    Ok(())
}

/// The head of an object as Go's `%v` prints kyaml's `ResourceMeta`.
fn describe(node: &Node) -> String {
    let map = |name: &str| {
        let entries = node
            .field("metadata")
            .and_then(|metadata| metadata.field(name));
        let mut texts: Vec<String> = entries
            .into_iter()
            .flat_map(Node::entries)
            .map(|(key, value)| {
                let value = if value.is_tagged_null() {
                    ""
                } else {
                    value.value()
                };
                format!("{}:{value}", key.value())
            })
            .collect();
        texts.sort();
        texts.join(" ")
    };
    // Tools note down whole objects in annotations.
    let is_secret = node.string_field("kind") == "Secret" || node.field("stringData").is_some();
    let annotations = match map("annotations") {
        annotations if is_secret && !annotations.is_empty() => secrecy::HIDDEN.to_owned(),
        annotations => annotations,
    };
    let mut text = String::new();
    let _ = write!(
        text,
        "{{{{{} {}}} {{{{{} {}}} map[{}] map[{annotations}]}}}}",
        node.string_field("apiVersion"),
        node.string_field("kind"),
        node.metadata_field("name"),
        node.metadata_field("namespace"),
        map("labels"),
    );
    text
}

/// A resource; what upstream's own annotations on it say is taken over.
pub(crate) fn resource_from_node(node: Node) -> Resource {
    const DOMAIN: &str = "internal.config.kubernetes.io/";
    let mut resource = Resource::new(node);
    let Some(annotations) = resource
        .node
        .field("metadata")
        .and_then(|metadata| metadata.field("annotations"))
    else {
        return resource;
    };
    let internal: Vec<(String, String)> = annotations
        .entries()
        .iter()
        .filter_map(|(key, value)| {
            Some((
                key.value().strip_prefix(DOMAIN)?.to_owned(),
                value.value().to_owned(),
            ))
        })
        .collect();
    let list = |name: &str| -> Vec<String> {
        let value = internal.iter().find(|(key, _)| key == name);
        value
            .map(|(_, value)| value.split(',').map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let enabled = |name: &str| {
        internal
            .iter()
            .any(|(key, value)| key == name && value == "enabled")
    };
    let (names, namespaces, kinds) = (
        list("previousNames"),
        list("previousNamespaces"),
        list("previousKinds"),
    );
    if names.len() == namespaces.len() && names.len() == kinds.len() {
        resource.previous = names
            .into_iter()
            .zip(namespaces)
            .zip(kinds)
            .map(|((name, namespace), kind)| PreviousId {
                name,
                namespace,
                kind,
            })
            .collect();
    }
    let (prefixes, suffixes) = (list("prefixes"), list("suffixes"));
    let behavior = list("generatorBehavior")
        .first()
        .map(|text| Behavior::parse(text));
    let (needs_hash, name_change, kind_change) = (
        enabled("needsHashSuffix"),
        enabled("allowNameChange"),
        enabled("allowKindChange"),
    );
    resource.prefixes = prefixes;
    resource.suffixes = suffixes;
    resource.behavior = behavior.unwrap_or_default();
    resource.needs_hash = needs_hash;
    resource.allow_name_change = name_change;
    resource.allow_kind_change = kind_change;
    resource
}
