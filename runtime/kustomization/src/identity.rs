//! What every object has to say of itself: its API version, its kind and its name.

use serde_json::Map;
use serde_json::Value;
use tidegate_apply::is_kustomization_file;

/// What an object says of itself, in the order in which it is told of.
const FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata.name"];

/// kustomize-controller, `build`: every document names itself. The message of a refusal shows what is known of the
/// object's identity and nothing else of it: it may be a Secret.
fn check(document: &Value) -> Result<(), String> {
    if fault(document).is_none() {
        return Ok(());
    }
    Err(format!(
        "failed to decode Kubernetes apiVersion, kind and name from: {}",
        identity(document)
    ))
}

/// The first field that is not there, empty or no text.
fn fault(document: &Value) -> Option<&'static str> {
    let says = |field: &&str| {
        document
            .pointer(&format!("/{}", field.replace('.', "/")))
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    FIELDS.into_iter().find(|field| !says(field))
}

/// The same of what was built, naming the file and the field behind Flux's words. Of an object without `apiVersion`
/// the message is recorded of Flux to the letter (behaviour case ks-apply-no-name): there the log names them.
pub(crate) fn check_built(document: &Value, file: impl Fn() -> String) -> Result<(), String> {
    let Err(message) = check(document).and_then(|()| check_applied(document)) else {
        return Ok(());
    };
    let file = file();
    match fault(document) {
        Some(field @ "apiVersion") if document.get(field).is_none() => {
            tracing::warn!(file, field, "{message}");
            Err(message)
        }
        Some(field) => Err(format!("{message} ({file}: {field})")),
        None => Err(format!("{message} ({file}: items)")),
    }
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
    use super::check_built;
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
    fn what_was_built_is_refused_with_its_file() {
        let refused = |document| check_built(&document, || "/top/q.yaml".to_owned()).unwrap_err();
        assert_eq!(
            refused(
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": 12345}, "data": {"k": "aHVudGVyMjI="}})
            ),
            r#"failed to decode Kubernetes apiVersion, kind and name from: {"apiVersion":"v1","kind":"Secret","metadata":{"name":12345}} (/top/q.yaml: metadata.name)"#
        );
        let of = |document| {
            let message = refused(document);
            message.rsplit_once(" (").map(|(_, place)| place.to_owned())
        };
        let place = |field: &str| Some(format!("/top/q.yaml: {field})"));
        let named = json!({"name": "a"});
        assert_eq!(
            of(json!({"apiVersion": 1, "kind": "ConfigMap", "metadata": named})),
            place("apiVersion")
        );
        assert_eq!(
            of(json!({"apiVersion": "v1", "kind": true, "metadata": named})),
            place("kind")
        );
        assert_eq!(
            of(
                json!({"apiVersion": "v1", "kind": "List", "metadata": named, "items": [{"kind": "a"}]})
            ),
            place("items")
        );
        // To the letter what Flux says, as recorded.
        assert_eq!(of(json!({"kind": "ConfigMap", "metadata": named})), None);
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
