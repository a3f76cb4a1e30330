//! JSON patches (RFC 6902), with the ways of the Go library that kustomize uses (evanphx/json-patch v4): negative
//! indices count from the end, replacing a missing key of an object adds it, and removal wants what it removes.

use tidegate_yaml::{Map, Value};

use crate::Error;

/// A list of operations.
#[derive(Debug, Clone, Default)]
pub struct JsonPatch {
    operations: Vec<Operation>,
}

#[derive(Debug, Clone)]
struct Operation {
    kind: String,
    path: Option<String>,
    from: Option<String>,
    value: Option<Value>,
}

impl JsonPatch {
    /// Reads a patch from decoded JSON or YAML.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let operations = match value {
            Value::Null => Vec::new(),
            Value::Sequence(items) => items.iter().map(operation).collect::<Result<_, _>>()?,
            other => {
                return Err(Error::text(format!(
                    "json: cannot unmarshal {} into Go value of type jsonpatch.Patch",
                    other.json_kind()
                )));
            }
        };
        Ok(Self { operations })
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The number of operations.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Applies all operations, or leaves an error.
    pub fn apply(&self, document: &mut Value) -> Result<(), Error> {
        self.operations
            .iter()
            .try_for_each(|operation| operation.apply(document))
    }
}

fn operation(value: &Value) -> Result<Operation, Error> {
    let Some(map) = value.as_map() else {
        return Err(Error::text(format!(
            "json: cannot unmarshal {} into Go value of type jsonpatch.Operation",
            value.json_kind()
        )));
    };
    let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Operation {
        kind: text("op").unwrap_or_else(|| "unknown".to_owned()),
        path: text("path"),
        from: text("from"),
        value: map.get("value").cloned(),
    })
}

impl Operation {
    fn path(&self) -> Result<&str, Error> {
        let missing = || {
            Error::text(format!(
                "{} operation failed to decode path: missing value",
                self.kind
            ))
        };
        self.path.as_deref().ok_or_else(missing)
    }

    fn from(&self) -> Result<&str, Error> {
        let missing = || {
            Error::text(format!(
                "{} operation failed to decode from: operation, missing from field: missing value",
                self.kind
            ))
        };
        self.from.as_deref().ok_or_else(missing)
    }

    fn apply(&self, document: &mut Value) -> Result<(), Error> {
        match self.kind.as_str() {
            "add" => self.add(document),
            "remove" => self.remove(document),
            "replace" => self.replace(document),
            "move" => self.move_value(document),
            "test" => self.test(document),
            "copy" => self.copy(document),
            other => Err(Error::text(format!("Unexpected kind: {other}"))),
        }
    }

    fn add(&self, document: &mut Value) -> Result<(), Error> {
        let path = self.path()?;
        let (parent, key) = find_parent(document, path).ok_or_else(|| {
            Error::text(format!(
                "add operation does not apply: doc is missing path: \"{path}\": missing value"
            ))
        })?;
        add(parent, &key, self.value.clone().unwrap_or_default())
            .map_err(|error| error.wrap(&format!("error in add for path: '{path}'")))
    }

    fn remove(&self, document: &mut Value) -> Result<(), Error> {
        let path = self.path()?;
        let (parent, key) = find_parent(document, path).ok_or_else(|| {
            Error::text(format!(
                "remove operation does not apply: doc is missing path: \"{path}\": missing value"
            ))
        })?;
        remove(parent, &key)
            .map_err(|error| error.wrap(&format!("error in remove for path: '{path}'")))
    }

    fn replace(&self, document: &mut Value) -> Result<(), Error> {
        let path = self.path()?;
        let value = self.value.clone().unwrap_or_default();
        if path.is_empty() {
            if !matches!(value, Value::Map(_) | Value::Sequence(_)) {
                return Err(Error::text(
                    "replace operation value must be object or array: %!w(<nil>)",
                ));
            }
            *document = value;
            return Ok(());
        }
        let (parent, key) = find_parent(document, path).ok_or_else(|| {
            Error::text(format!(
                "replace operation does not apply: doc is missing path: {path}: missing value"
            ))
        })?;
        match parent {
            Value::Map(map) => {
                map.insert(key, value);
            }
            Value::Sequence(items) => {
                let at = item_index(items.len(), &key).map_err(|_| {
                    Error::text(format!("replace operation does not apply: doc is missing key: {path}: missing value"))
                })?;
                items[at] = value;
            }
            _ => return Err(Error::text("unknown object type")),
        }
        Ok(())
    }

    fn move_value(&self, document: &mut Value) -> Result<(), Error> {
        let from = self.from()?;
        let (parent, key) = find_parent(document, from).ok_or_else(|| {
            Error::text(format!(
                "move operation does not apply: doc is missing from path: {from}: missing value"
            ))
        })?;
        let in_move = |error: Error| error.wrap(&format!("error in move for path: '{key}'"));
        let value = get(parent, &key)
            .map_err(in_move)?
            .cloned()
            .unwrap_or_default();
        remove(parent, &key).map_err(in_move)?;
        let path = self.path()?;
        let (parent, key) = find_parent(document, path).ok_or_else(|| {
            Error::text(format!("move operation does not apply: doc is missing destination path: {path}: missing value"))
        })?;
        add(parent, &key, value)
            .map_err(|error| error.wrap(&format!("error in move for path: '{path}'")))
    }

    fn copy(&self, document: &mut Value) -> Result<(), Error> {
        let from = self.from()?;
        let (parent, key) = find_parent(document, from).ok_or_else(|| {
            Error::text(format!(
                "copy operation does not apply: doc is missing from path: {from}: missing value"
            ))
        })?;
        let value = get(parent, &key)
            .map_err(|error| error.wrap(&format!("error in copy for from: '{from}'")))?
            .cloned()
            .unwrap_or_default();
        let path = self.path()?;
        let (parent, key) = find_parent(document, path).ok_or_else(|| {
            Error::text(format!("copy operation does not apply: doc is missing destination path: {path}: missing value"))
        })?;
        add(parent, &key, value).map_err(|error| error.wrap("error while adding value during copy"))
    }

    fn test(&self, document: &mut Value) -> Result<(), Error> {
        let path = self.path()?;
        let failed = || Error::text(format!("testing value {path} failed: test failed"));
        let expected = self.value.clone().unwrap_or_default();
        if path.is_empty() {
            return if same(document, &expected) {
                Ok(())
            } else {
                Err(failed())
            };
        }
        let (parent, key) = find_parent(document, path).ok_or_else(|| {
            Error::text(format!(
                "test operation does not apply: is missing path: {path}: missing value"
            ))
        })?;
        let value = get(parent, &key)
            .map_err(|error| error.wrap(&format!("error in test for path: '{path}'")))?;
        if same(value.unwrap_or(&Value::Null), &expected) {
            Ok(())
        } else {
            Err(failed())
        }
    }
}

/// Equality of JSON texts: the sort of number does not count.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k == l && same(v, w))
        }
        (Value::Sequence(a), Value::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(v, w)| same(v, w))
        }
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
            _ => a == b,
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "JSON numbers are floats in Go")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Uint(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// Unescapes a step of a JSON pointer.
fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// The container that holds the last step of a pointer, and that step.
fn find_parent<'v>(document: &'v mut Value, pointer: &str) -> Option<(&'v mut Value, String)> {
    let mut steps = pointer.split('/');
    steps.next()?;
    let mut steps: Vec<&str> = steps.collect();
    let last = steps.pop()?;
    let mut at = document;
    for step in steps {
        let step = unescape(step);
        at = match at {
            Value::Map(map) => map.get_mut(&step)?,
            Value::Sequence(items) => {
                let index = item_index(items.len(), &step).ok()?;
                items.get_mut(index)?
            }
            _ => return None,
        };
    }
    matches!(at, Value::Map(_) | Value::Sequence(_)).then(|| (at, unescape(last)))
}

fn atoi(key: &str) -> Result<i64, Error> {
    crate::path::index(key)
        .ok_or_else(|| Error::text(format!("strconv.Atoi: parsing \"{key}\": invalid syntax")))
}

fn invalid_index(index: i64) -> Error {
    Error::text(format!(
        "Unable to access invalid index: {index}: invalid index referenced"
    ))
}

/// The index of a present element.
fn item_index(length: usize, key: &str) -> Result<usize, Error> {
    let index = atoi(key)?;
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    if index >= size || index < -size {
        return Err(invalid_index(index));
    }
    usize::try_from(if index < 0 { index + size } else { index }).map_err(|_| invalid_index(index))
}

fn get<'v>(parent: &'v Value, key: &str) -> Result<Option<&'v Value>, Error> {
    match parent {
        Value::Map(map) => Ok(map.get(key)),
        Value::Sequence(items) => Ok(items.get(item_index(items.len(), key)?)),
        _ => Ok(None),
    }
}

fn add(parent: &mut Value, key: &str, value: Value) -> Result<(), Error> {
    match parent {
        Value::Map(map) => {
            map.insert(key.to_owned(), value);
        }
        Value::Sequence(items) if key == "-" => items.push(value),
        Value::Sequence(items) => {
            let index = atoi(key).map_err(|error| {
                error.wrap(&format!("value was not a proper array index: '{key}'"))
            })?;
            let size = i64::try_from(items.len() + 1).unwrap_or(i64::MAX);
            if index >= size || index < -size {
                return Err(invalid_index(index));
            }
            let at = usize::try_from(if index < 0 { index + size } else { index })
                .map_err(|_| invalid_index(index))?;
            items.insert(at, value);
        }
        _ => return Err(Error::text("unknown object type")),
    }
    Ok(())
}

fn remove(parent: &mut Value, key: &str) -> Result<(), Error> {
    match parent {
        Value::Map(map) => remove_key(map, key),
        Value::Sequence(items) => {
            let at = item_index(items.len(), key)?;
            items.remove(at);
            Ok(())
        }
        _ => Err(Error::text("unknown object type")),
    }
}

fn remove_key(map: &mut Map, key: &str) -> Result<(), Error> {
    match map.remove(key) {
        Some(_) => Ok(()),
        None => Err(Error::text(format!(
            "Unable to remove nonexistent key: {key}: missing value"
        ))),
    }
}
