//! The values of Secrets among the manifests: what servers and parsers say must not repeat them.

use k8s_openapi::ByteString;
use serde_json::Value;

/// The values of `document`, if it is a Secret, or of the Secrets in a list: those of `data` decoded and as they are,
/// those of `stringData`, and whatever stands there in place of a text.
pub(crate) fn values(document: &Value) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    if let Some(Value::Array(items)) = document.get("items") {
        found.extend(items.iter().flat_map(values));
    }
    let is_secret = document
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("Secret"));
    if !is_secret {
        return found;
    }
    for field in ["data", "stringData"] {
        match document.get(field) {
            // Its keys are names.
            Some(Value::Object(entries)) => {
                for value in entries.values() {
                    add(&mut found, value);
                }
            }
            Some(other) => add(&mut found, other),
            None => {}
        }
    }
    found
}

fn add(found: &mut Vec<Vec<u8>>, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::String(text) => {
            found.push(text.clone().into_bytes());
            // Go's decoder passes over line breaks.
            let joined = text.replace(['\r', '\n'], "");
            if let Ok(ByteString(bytes)) = serde_json::from_value(Value::String(joined)) {
                found.push(bytes);
            }
        }
        Value::Number(number) => {
            found.push(number.to_string().into_bytes());
            // Go prints large floats as 1.2345e+08.
            if let Some(float) = number.as_f64() {
                let text = format!("{float:e}");
                let digits = text.split('e').next().unwrap_or_default();
                found.push(digits.as_bytes().to_vec());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add(found, item)),
        Value::Object(entries) => {
            for (key, value) in entries {
                found.push(key.clone().into_bytes());
                add(found, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::values;
    use serde_json::json;
    use tidegate_values::Redactor;

    #[test]
    fn no_value_of_a_secret_is_repeated() {
        // printf hunter22 | base64
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a-secret"},
            "data": {"encoded": "aHVudGVy\nMjI=", "no-base64": "not at all"},
            "stringData": {"plain": "correct horse", "pin": 987_654_321_987_u64, "float": 12_345_678.5,
                "list": ["battery", {"nested-key": "staple-it"}], "flag": true}});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [secret]});
        for document in [&secret, &list] {
            let redactor = Redactor::new(values(document));
            // As the API server writes them.
            for said in [
                "failed to create typed patch object (ns/a-secret; /v1, Kind=Secret): .stringData.pin: expected string, got &value.valueUnstructured{Value:987654321987}",
                "got &value.valueUnstructured{Value:1.23456785e+07}",
                r#"got &value.valueUnstructured{Value:[]interface {}{"battery", map[string]interface {}{"nested-key":"staple-it"}}}"#,
                "hunter22 aHVudGVyMjI= not at all correct horse 9.87654321987e+11",
            ] {
                let shown = redactor.redact(said);
                for value in [
                    "987654321987",
                    "23456785",
                    "battery",
                    "nested-key",
                    "staple",
                    "hunter22",
                    "aHVu",
                    "at all",
                    "horse",
                    "87654321987",
                ] {
                    assert!(!shown.contains(value), "{value}: {shown}");
                }
            }
            let ours = "(ns/a-secret; /v1, Kind=Secret): .stringData.pin: expected string, true";
            assert_eq!(redactor.redact(ours), ours);
        }
    }

    #[test]
    fn a_secret_whose_data_is_no_map_is_one_as_well() {
        let redactor = Redactor::new(values(
            &json!({"kind": "secret", "data": ["hunter22"], "stringData": "horse-battery"}),
        ));
        assert_eq!(redactor.redact("hunter22 horse-battery"), "*** ***");
    }

    #[test]
    fn other_kinds_have_no_secrets() {
        let document =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "correct horse"}});
        assert!(values(&document).is_empty());
    }
}
