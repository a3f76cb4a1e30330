//! Whether a value is as a pattern wants it.
//!
//! A mapping names what must be there, and may leave out the rest; `null` stands for "not there". Against a list of
//! mappings, its keys are the `type`, `name`, `id` or `manager` of the entries. A list must agree entry by entry. Text is compared
//! as it is, except `<any>`, and `~ expression`, which must be found.

use regex::Regex;
use serde_json::Value;

/// All that differs, each with its path.
pub(crate) fn differences(pattern: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(pattern, got, "", &mut found);
    found
}

fn compare(pattern: &Value, got: &Value, path: &str, found: &mut Vec<String>) {
    match (pattern, got) {
        (Value::Null, Value::Null) => {}
        (Value::Object(wanted), Value::Object(fields)) => {
            for (key, pattern) in wanted {
                compare(
                    pattern,
                    fields.get(key).unwrap_or(&Value::Null),
                    &format!("{path}.{key}"),
                    found,
                );
            }
        }
        (Value::Object(wanted), Value::Array(entries)) => {
            for (key, pattern) in wanted {
                let entry = entries.iter().find(|entry| {
                    ["type", "name", "id", "manager"]
                        .iter()
                        .any(|field| entry[field] == key.as_str())
                });
                compare(
                    pattern,
                    entry.unwrap_or(&Value::Null),
                    &format!("{path}[{key}]"),
                    found,
                );
            }
        }
        (Value::Array(wanted), Value::Array(entries)) if wanted.len() == entries.len() => {
            for (index, (pattern, entry)) in wanted.iter().zip(entries).enumerate() {
                compare(pattern, entry, &format!("{path}[{index}]"), found);
            }
        }
        (Value::String(text), got) if text == "<any>" && !got.is_null() => {}
        (Value::String(text), Value::String(got)) if text.starts_with("~ ") => {
            match Regex::new(&text[2..]) {
                Ok(expression) if expression.is_match(got) => {}
                Ok(_) => found.push(format!("{path}: wanted {text:?}\n      got      {got:?}")),
                Err(error) => found.push(format!("{path}: {error}")),
            }
        }
        (pattern, got) if pattern == got => {}
        (pattern, got) => found.push(format!("{path}: wanted {pattern}\n      got      {got}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(pattern: &Value, got: &Value, expected: &[&str]) {
        let found: Vec<String> = differences(pattern, got)
            .iter()
            .map(|text| text.split(':').next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn mappings_may_leave_out() {
        check(&json!({"a": 1}), &json!({"a": 1, "b": 2}), &[]);
        check(&json!({"a": 2, "c": 3}), &json!({"a": 1}), &[".a", ".c"]);
        check(&json!({"a": null}), &json!({"b": 1}), &[]);
        check(&json!({"a": null}), &json!({"a": 1}), &[".a"]);
    }

    #[test]
    fn lists_by_place_or_by_name() {
        check(&json!([1, 2]), &json!([1, 2]), &[]);
        check(&json!([1]), &json!([1, 2]), &[""]);
        let conditions = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        check(
            &json!({"conditions": {"Ready": {"status": "True"}}}),
            &conditions,
            &[],
        );
        check(
            &json!({"conditions": {"Ready": {"status": "False"}}}),
            &conditions,
            &[".conditions[Ready].status"],
        );
        check(
            &json!({"conditions": {"Ready": null}}),
            &conditions,
            &[".conditions[Ready]"],
        );
        check(&json!({"conditions": {"Stalled": null}}), &conditions, &[]);
    }

    #[test]
    fn texts() {
        check(&json!("<any>"), &json!(5), &[]);
        check(&json!("<any>"), &json!(null), &[""]);
        check(&json!("~ ^a.c$"), &json!("abc"), &[]);
        check(&json!("~ ^b"), &json!("abc"), &[""]);
        check(&json!("~ ("), &json!("abc"), &[""]);
    }
}
