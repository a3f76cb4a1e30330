//! Replacements inside of texts that are YAML or JSON themselves (a dashboard in a config map).

use tidegate_object::{Kind, Node, Tree as _, at_mut, find, find_all};
use tidegate_yaml::{Indent, Value};

/// Sets the field that a path reaches through a text. False: the path reaches no field that way.
/// kustomize: api/filters/replacement, `setValueInStructuredData`.
pub(super) fn set_in_text(
    target: &mut Node,
    value: &Node,
    path: &[String],
    create: Option<Kind>,
) -> bool {
    let Some((length, mut inner)) = find_text(target, path) else {
        return false;
    };
    let Ok(found) = find_all(&mut inner, &path[length..], create) else {
        return false;
    };
    if found.is_empty() {
        return false;
    }
    for position in found.positions {
        let Some(node) = at_mut(&mut inner, &position) else {
            return false;
        };
        if node.node_kind() == Kind::Scalar {
            node.kind = tidegate_yaml::Kind::Scalar(value.value().to_owned());
        } else {
            *node = value.clone();
        }
    }
    let Some(position) = position_of(target, &path[..length]) else {
        return false;
    };
    let Some(text) = at_mut(target, &position) else {
        return false;
    };
    let Some(serialized) = serialize(&inner, text.value()) else {
        return false;
    };
    text.kind = tidegate_yaml::Kind::Scalar(serialized);
    true
}

/// The first text on the path that reads as YAML, and how many steps lead to it.
fn find_text(target: &Node, path: &[String]) -> Option<(usize, Node)> {
    if path.len() < 2 {
        return None;
    }
    (1..path.len()).find_map(|length| {
        let node = find(target, &path[..length]).ok()??;
        if node.node_kind() != Kind::Scalar {
            return None;
        }
        let parsed = tidegate_yaml::parse_document(node.value().as_bytes()).ok()?;
        Some((length, parsed.unwrap_or_else(Node::null)))
    })
}

/// The position of the node that [`find`] finds.
fn position_of(target: &Node, path: &[String]) -> Option<Vec<usize>> {
    let mut position = Vec::new();
    let mut node = target;
    for step in path {
        let next = find(node, std::slice::from_ref(step)).ok()??;
        let index = match node.node_kind() {
            Kind::Mapping => node
                .entries()
                .iter()
                .position(|(_, value)| std::ptr::eq(value, next))?,
            Kind::Sequence => node
                .items()
                .iter()
                .position(|item| std::ptr::eq(item, next))?,
            Kind::Scalar => return None,
        };
        position.push(index);
        node = next;
    }
    Some(position)
}

/// Writes in the format of the old text: JSON in one line or indented, or YAML.
fn serialize(node: &Node, original: &str) -> Option<String> {
    let trimmed = original.trim();
    if !trimmed.starts_with(['{', '[']) {
        let text = tidegate_yaml::emit_v3(node, Indent::KUSTOMIZE).ok()?;
        return Some(text.trim().to_owned());
    }
    let value = tidegate_yaml::node_to_canonical_value(node).ok()?;
    let compact = tidegate_yaml::to_json(&value).ok()?;
    if original.contains('\n') && original.contains("  ") {
        let mut text = String::new();
        write_indented(&value, 0, &mut text)?;
        return Some(text);
    }
    Some(compact)
}

/// JSON with two columns per level, as Go's `json.MarshalIndent`.
fn write_indented(value: &Value, level: usize, text: &mut String) -> Option<()> {
    let line = |text: &mut String, level: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", level));
    };
    match value {
        Value::Map(map) if !map.is_empty() => {
            text.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                line(text, level + 1);
                text.push_str(&tidegate_yaml::to_json(&Value::String(key.clone())).ok()?);
                text.push_str(": ");
                write_indented(value, level + 1, text)?;
            }
            line(text, level);
            text.push('}');
        }
        Value::Sequence(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                line(text, level + 1);
                write_indented(item, level + 1, text)?;
            }
            line(text, level);
            text.push(']');
        }
        other => text.push_str(&tidegate_yaml::to_json(other).ok()?),
    }
    Some(())
}
