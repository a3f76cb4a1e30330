//! Objects that kustomize reads but cannot write: infinite numbers, control characters, keys that are not texts.

use tidegate_object::{Node, Tree as _};
use tidegate_yaml::{Error as YamlError, Kind, Tag, Value};

use crate::Error;
use crate::error::Place;
use crate::resource::Resource;
use crate::secrecy;

/// Upstream shows the whole object, which may be megabytes.
const MAX_SHOWN: usize = 2000;

/// The error, behind the object in Go's syntax as kustomize shows it (api/resmap, `resWrangler.AsYaml`), and with the
/// file and line of the part at fault. What a Secret holds is not shown.
pub(crate) fn describe(resource: &Resource, error: &YamlError, folder: &str) -> Error {
    let mut path = Vec::new();
    let line = locate(&resource.node, error, &mut path).unwrap_or(0);
    secrecy::in_object(error.clone().into(), resource.kind())
        .wrap(show(resource))
        .at(|| Place {
            folder: folder.to_owned(),
            file: resource.path.clone().unwrap_or_default(),
            line,
            what: format!("{}/{} {}", resource.kind(), resource.name(), path.join("."))
                .trim_end()
                .to_owned(),
        })
}

fn show(resource: &Resource) -> String {
    let Ok(mut map) = tidegate_yaml::decode_object(&resource.node) else {
        return "map[string]interface {}(nil)".to_owned();
    };
    if resource.kind() == "Secret" {
        for field in ["data", "stringData"] {
            map.remove(field);
        }
        if let Some(Value::Map(metadata)) = map.get_mut("metadata") {
            metadata.remove("annotations");
        }
    }
    let mut shown = Value::Map(map).in_go_syntax();
    if shown.len() > MAX_SHOWN {
        let end = (0..=MAX_SHOWN)
            .rev()
            .find(|&end| shown.is_char_boundary(end))
            .unwrap_or(0);
        shown.truncate(end);
        shown.push_str("...}");
    }
    shown
}

/// The line of the first node that an error may be about; `path` is led to it.
fn locate(node: &Node, error: &YamlError, path: &mut Vec<String>) -> Option<usize> {
    let line = |node: &Node| if node.share().is_none() { node.line } else { 0 };
    match &node.kind {
        Kind::Scalar(_) | Kind::Alias(_) => is_at_fault(node, error).then(|| line(node)),
        Kind::Sequence(items) => items.iter().enumerate().find_map(|(at, item)| {
            path.push(at.to_string());
            let found = locate(item, error, path);
            if found.is_none() {
                path.pop();
            }
            found
        }),
        Kind::Mapping(entries) => entries.iter().find_map(|(key, value)| {
            path.push(key.value().escape_debug().to_string());
            let found = if is_key_at_fault(key, error) {
                Some(line(key))
            } else {
                locate(value, error, path)
            };
            if found.is_none() {
                path.pop();
            }
            found
        }),
    }
}

fn is_key_at_fault(key: &Node, error: &YamlError) -> bool {
    match error {
        YamlError::UnsupportedType(_) => key.short_tag() != Tag::STR,
        YamlError::Syntax { problem, .. } if problem.starts_with("invalid map key") => {
            key.scalar().is_none()
        }
        _ => is_at_fault(key, error),
    }
}

fn is_at_fault(node: &Node, error: &YamlError) -> bool {
    match error {
        YamlError::UnsupportedValue(_) => {
            let number = node.value().trim_start_matches(['-', '+']);
            node.short_tag() == Tag::FLOAT
                && (number.eq_ignore_ascii_case(".inf") || number.eq_ignore_ascii_case(".nan"))
        }
        YamlError::Syntax { problem, .. } if problem.starts_with("control characters") => node
            .value()
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\t')),
        YamlError::Syntax { problem, .. } if problem.starts_with("cannot decode") => {
            problem.contains(&format!("`{}`", node.value()))
        }
        _ => false,
    }
}
