//! Fields of an object by path. Strict ones report what is of another type, as apimachinery's
//! accessors word it (`unstructured.NestedInt64` and its like); lenient ones take their default.

use serde_json::Value;

/// A text for [`crate::Health::error`].
pub(crate) type Error = String;

/// A strict look-up: none when the field, or what should hold it, is not there.
fn nested<'v>(object: &'v Value, path: &[&str]) -> Result<Option<&'v Value>, Error> {
    let mut value = object;
    for (depth, key) in path.iter().enumerate() {
        match value {
            Value::Null => return Ok(None),
            Value::Object(map) => match map.get(*key) {
                Some(next) => value = next,
                None => return Ok(None),
            },
            other => return Err(wrong_type(&path[..=depth], other, "map[string]interface{}")),
        }
    }
    Ok(Some(value))
}

pub(crate) fn strict_integer(object: &Value, path: &[&str]) -> Result<Option<i64>, Error> {
    let Some(value) = nested(object, path)? else {
        return Ok(None);
    };
    value
        .as_i64()
        .map(Some)
        .ok_or_else(|| wrong_type(path, value, "int64"))
}

pub(crate) fn strict_string<'v>(
    object: &'v Value,
    path: &[&str],
) -> Result<Option<&'v str>, Error> {
    let Some(value) = nested(object, path)? else {
        return Ok(None);
    };
    value
        .as_str()
        .map(Some)
        .ok_or_else(|| wrong_type(path, value, "string"))
}

pub(crate) fn strict_list<'v>(
    object: &'v Value,
    path: &[&str],
) -> Result<Option<&'v [Value]>, Error> {
    let Some(value) = nested(object, path)? else {
        return Ok(None);
    };
    value
        .as_array()
        .map(|list| Some(list.as_slice()))
        .ok_or_else(|| wrong_type(path, value, "[]interface{}"))
}

pub(crate) fn integer(object: &Value, path: &[&str], default: i64) -> i64 {
    strict_integer(object, path)
        .ok()
        .flatten()
        .unwrap_or(default)
}

pub(crate) fn string<'v>(object: &'v Value, path: &[&str], default: &'v str) -> &'v str {
    strict_string(object, path)
        .ok()
        .flatten()
        .unwrap_or(default)
}

pub(crate) fn boolean(object: &Value, path: &[&str]) -> bool {
    nested(object, path)
        .ok()
        .flatten()
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

/// Group and kind; the group of the core API is empty.
pub(crate) fn group_kind(object: &Value) -> (&str, &str) {
    let api_version = string(object, &["apiVersion"], "");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    (group, string(object, &["kind"], ""))
}

/// Go's name for the type of a JSON value.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn wrong_type(path: &[&str], value: &Value, expected: &str) -> Error {
    let shown = match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let actual = type_name(value);
    format!(
        ".{} accessor error: {shown} is of the type {actual}, expected {expected}",
        path.join(".")
    )
}
