use serde_json::{Map, Value};

use crate::field::{Error, type_name};

/// One of `status.conditions`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Condition<'v> {
    pub(crate) kind: &'v str,
    pub(crate) status: &'v str,
    pub(crate) reason: &'v str,
    pub(crate) message: &'v str,
}

impl Condition<'_> {
    pub(crate) fn is(&self, kind: &str, status: &str) -> bool {
        self.kind == kind && self.status == status
    }

    pub(crate) fn is_true(&self, kind: &str) -> bool {
        self.is(kind, "True")
    }
}

/// The conditions in order; none for an object without. An object whose conditions are no list of
/// maps of texts cannot be judged (fluxcd/cli-utils, `GetObjectWithConditions`).
pub(crate) fn conditions(object: &Value) -> Result<Vec<Condition<'_>>, Error> {
    let Some(status) = member(object, "status") else {
        return Ok(Vec::new());
    };
    let status = as_map(status)?;
    match status.get("conditions") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(condition).collect(),
        Some(other) => Err(format!("cannot restore slice from {}", type_name(other))),
    }
}

fn condition(value: &Value) -> Result<Condition<'_>, Error> {
    if value.is_null() {
        return Ok(Condition::default());
    }
    let map = as_map(value)?;
    Ok(Condition {
        kind: text(map, "type")?,
        status: text(map, "status")?,
        reason: text(map, "reason")?,
        message: text(map, "message")?,
    })
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Result<&'v str, Error> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(format!("cannot convert {} to string", type_name(other))),
    }
}

fn member<'v>(object: &'v Value, key: &str) -> Option<&'v Value> {
    object.get(key).filter(|value| !value.is_null())
}

fn as_map(value: &Value) -> Result<&Map<String, Value>, Error> {
    value
        .as_object()
        .ok_or_else(|| format!("cannot restore struct from: {}", type_name(value)))
}
