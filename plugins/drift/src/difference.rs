//! Where two documents differ.

use serde_json::Value;

use crate::pointer::Pointer;

/// More differences of one object than this are not listed: they are read by people.
pub(crate) const MAX_POINTERS: usize = 100;

/// The least paths at which `left` and `right` differ. Lists of different length differ as a whole.
/// As in Go, the integer 1 and the float 1.0 differ, and so do a missing and a null field.
pub(crate) fn differences(left: &Value, right: &Value) -> Vec<Pointer> {
    let mut found = Vec::new();
    walk(left, right, &Pointer::default(), &mut found);
    found
}

fn walk(left: &Value, right: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    if left == right || found.len() == MAX_POINTERS {
        return;
    }
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let added = right.keys().filter(|key| !left.contains_key(*key));
            for key in left.keys().chain(added) {
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => walk(left, right, &at.child(key), found),
                    _ if found.len() < MAX_POINTERS => found.push(at.child(key)),
                    _ => {}
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(left, right, &at.child(index.to_string()), found);
            }
        }
        _ => found.push(at.clone()),
    }
}
