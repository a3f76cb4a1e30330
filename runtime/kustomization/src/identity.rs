//! What every object has to say of itself: its API version, its kind and its name.

use serde_json::Map;
use serde_json::Value;
use tidegate_apply::is_kustomization_file;

/// kustomize-controller, `build`: every document names itself. The message of a refusal shows what is known of the
/// object's identity and nothing else of it: it may be a Secret.
pub(crate) fn check(document: &Value) -> Result<(), String> {
    let has = |pointer| {
        document
            .pointer(pointer)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    if has("/apiVersion") && has("/kind") && has("/metadata/name") {
        return Ok(());
    }
    Err(format!(
        "failed to decode Kubernetes apiVersion, kind and name from: {}",
        identity(document)
    ))
}

/// The same of what is about to be applied: of each item of a list, and not of what is dropped before
/// (fluxcd/pkg, `ssa/utils`, `ReadObjects`; that also drops objects that lost their identity, and so prunes them).
pub(crate) fn check_applied(document: &Value) -> Result<(), String> {
    let is_nothing = match document {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    if is_nothing || is_kustomization_file(document) {
        return Ok(());
    }
    match document.get("items") {
        Some(Value::Array(items)) => items.iter().try_for_each(check),
        _ => check(document),
    }
}

fn identity(document: &Value) -> Value {
    let mut shown = only(document, &["apiVersion", "kind"]);
    let metadata = document
        .get("metadata")
        .map(|metadata| only(metadata, &["generateName", "name", "namespace"]))
        .filter(|metadata| !metadata.is_empty());
    if let Some(metadata) = metadata {
        shown.insert("metadata".to_owned(), Value::Object(metadata));
    }
    Value::Object(shown)
}

fn only(value: &Value, fields: &[&str]) -> Map<String, Value> {
    let fields = fields.iter().filter_map(|field| {
        let found = value
            .get(field)
            .filter(|found| !found.is_object() && !found.is_array())?;
        Some(((*field).to_owned(), found.clone()))
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use super::check_applied;
    use serde_json::json;

    #[test]
    fn a_refusal_shows_no_more_than_the_identity() {
        // The text of behaviour case ks-apply-no-name.
        assert_eq!(
            check(&json!({"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "ks-apply-no-name"}})).unwrap_err(),
            r#"failed to decode Kubernetes apiVersion, kind and name from: {"kind":"ConfigMap","metadata":{"name":"a","namespace":"ks-apply-no-name"}}"#
        );
        for kind in [json!("Secret"), json!(null), json!({"a": "hunter22"})] {
            let refused = check(&json!({"kind": kind, "data": {"k": "aHVudGVyMjI="}, "stringData": {"k": "hunter22"},
                "metadata": {"name": "a", "annotations": {"last-applied": "hunter22"}}}))
            .unwrap_err();
            assert!(refused.contains(r#""name":"a""#), "{refused}");
            assert!(
                !refused.contains("hunter22") && !refused.contains("aHVu"),
                "{refused}"
            );
        }
    }

    #[test]
    fn what_lost_its_identity_is_refused_and_what_is_nothing_is_not() {
        let object = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        for fine in [
            object("a"),
            json!(null),
            json!({}),
            json!({"apiVersion": "v1", "kind": "List", "items": []}),
            json!({"kind": "ConfigMapList", "items": [object("a"), object("b")]}),
            json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}),
        ] {
            assert_eq!(check_applied(&fine), Ok(()), "{fine}");
        }
        for lost in [
            object(""),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": null}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 1}}),
            json!({"apiVersion": "v1", "kind": "", "metadata": {"name": "a"}}),
            json!({"apiVersion": "", "kind": "ConfigMap", "metadata": {"name": "a"}}),
            json!({"apiVersion": "v1", "kind": "List", "items": [object("a"), object("")]}),
            json!("text"),
            json!([object("a")]),
        ] {
            assert!(check_applied(&lost).is_err(), "{lost}");
        }
    }
}
