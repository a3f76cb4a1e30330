//! Who applied which field: `metadata.managedFields` of a live object.

use serde_json::{Map, Value};

use crate::pointer::Pointer;

/// The fields of one manager: a tree of `f:<name>`, `k:{…}`, `v:<value>` and `.`.
pub(crate) type FieldSet = Map<String, Value>;

/// One entry for the main resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'v> {
    pub(crate) manager: &'v str,
    /// Applied, not updated.
    pub(crate) is_apply: bool,
    /// The version whose field names it has.
    pub(crate) api_version: &'v str,
    pub(crate) fields: &'v FieldSet,
}

/// The entries of the main resource; those of sub-resources, and those that cannot be read, are left
/// out (fluxcd/pkg, `ssa/manager_apply.go`, `parseManagedFieldsApply`).
pub(crate) fn entries(object: &Value) -> Vec<Entry<'_>> {
    let list = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array);
    list.into_iter().flatten().filter_map(entry).collect()
}

fn entry(value: &Value) -> Option<Entry<'_>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    if !text("subresource").is_empty() {
        return None;
    }
    let fields = value.get("fieldsV1")?.as_object()?;
    Some(Entry {
        manager: text("manager"),
        is_apply: text("operation") == "Apply",
        api_version: text("apiVersion"),
        fields,
    })
}

/// Has somebody else than `manager` applied the value at `pointer`? Places in lists are found by
/// the keys of their items; what cannot be found counts as ours.
pub(crate) fn is_applied_by_other(object: &Value, pointer: &Pointer, manager: &str) -> bool {
    let applied: Vec<Entry<'_>> = entries(object)
        .into_iter()
        .filter(|entry| entry.is_apply)
        .collect();
    let Some(segments) = field_segments(object, pointer, &applied) else {
        return false;
    };
    applied
        .iter()
        .filter(|entry| entry.manager != manager)
        .any(|entry| contains(entry.fields, &segments))
}

/// Has `manager` applied the value at `pointer`?
pub(crate) fn is_applied_by(object: &Value, pointer: &Pointer, manager: &str) -> bool {
    let applied: Vec<Entry<'_>> = entries(object)
        .into_iter()
        .filter(|entry| entry.is_apply && entry.manager == manager)
        .collect();
    let Some(segments) = field_segments(object, pointer, &applied) else {
        return false;
    };
    applied
        .iter()
        .any(|entry| contains(entry.fields, &segments))
}

fn contains(fields: &FieldSet, segments: &[String]) -> bool {
    let Some((last, parents)) = segments.split_last() else {
        return false;
    };
    walk(fields, parents).is_some_and(|fields| fields.contains_key(last))
}

fn walk<'v>(fields: &'v FieldSet, segments: &[String]) -> Option<&'v FieldSet> {
    segments
        .iter()
        .try_fold(fields, |fields, segment| fields.get(segment)?.as_object())
}

/// `/spec/containers/0/image` as `f:spec`, `f:containers`, `k:{"name":"c"}`, `f:image`.
fn field_segments(object: &Value, pointer: &Pointer, applied: &[Entry<'_>]) -> Option<Vec<String>> {
    let mut segments: Vec<String> = Vec::new();
    let mut value = Some(object);
    for name in pointer.segments() {
        let item = name.parse::<usize>().ok();
        let segment = match (value, item) {
            (Some(Value::Array(list)), Some(index)) => {
                key_of_item(list.get(index)?, &segments, applied)?
            }
            _ => format!("f:{name}"),
        };
        segments.push(segment);
        value = value.and_then(|value| match value {
            Value::Array(list) => list.get(item?),
            other => other.get(name),
        });
    }
    (!segments.is_empty()).then_some(segments)
}

/// The `k:{…}` under which managers know a list item.
fn key_of_item(item: &Value, parents: &[String], applied: &[Entry<'_>]) -> Option<String> {
    let item = item.as_object()?;
    let fields = applied
        .iter()
        .filter_map(|entry| walk(entry.fields, parents));
    let mut keys = fields.flat_map(Map::keys);
    keys.find(|key| item_key(key).is_some_and(|wanted| matches(item, &wanted)))
        .cloned()
}

/// The keys and values of `k:{"name":"c"}`; none for other segments.
pub(crate) fn item_key(segment: &str) -> Option<FieldSet> {
    serde_json::from_str(segment.strip_prefix("k:")?).ok()
}

pub(crate) fn matches(item: &Map<String, Value>, wanted: &FieldSet) -> bool {
    wanted
        .iter()
        .all(|(key, value)| item.get(key) == Some(value))
}
