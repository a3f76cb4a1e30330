use serde_json::{Map, Value, json};

/// Annotations that Flux removes from live objects (kustomize-controller, `apply`).
const ANNOTATIONS: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];
const LABELS: &[&str] = &["fluxcd.io/sync-gc-mark"];

/// A field manager whose fields become ours: names are prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Displaced {
    prefix: String,
    operation: &'static str,
}

/// The managers that Flux takes fields from (kustomize-controller, `apply`): kubectl, the one that stands for the
/// time before the first apply, our own updates, and those named by `--override-manager`.
pub(crate) fn displaced_managers(own: &str, overridden: &[String]) -> Vec<Displaced> {
    let displaced = |prefix: &str, operation| Displaced {
        prefix: prefix.to_owned(),
        operation,
    };
    let mut all = vec![
        displaced("kubectl", "Apply"),
        displaced("kubectl", "Update"),
        displaced("before-first-apply", "Update"),
        displaced(own, "Update"),
    ];
    for manager in overridden {
        all.extend([displaced(manager, "Apply"), displaced(manager, "Update")]);
    }
    all
}

/// The JSON patch that removes kubectl's traces from a live object; `None` when it has none
/// (fluxcd/pkg, `ssa/patch.go` and `cleanupMetadata`).
pub(crate) fn metadata_patch(live: &Value, displaced: &[Displaced], own: &str) -> Option<Value> {
    let metadata = live.get("metadata")?;
    let mut patch = Vec::new();
    for (field, keys) in [("annotations", ANNOTATIONS), ("labels", LABELS)] {
        for key in keys {
            if metadata
                .get(field)
                .is_some_and(|entries| entries.get(key).is_some())
            {
                let key = key.replace('/', "~1");
                patch.push(json!({"op": "remove", "path": format!("/metadata/{field}/{key}")}));
            }
        }
    }
    if let Some(entries) = metadata.get("managedFields").and_then(Value::as_array)
        && let Some(entries) = replace_managers(entries, displaced, own)
    {
        patch.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": entries}));
    }
    (!patch.is_empty()).then_some(Value::Array(patch))
}

/// The JSON patch that moves every field manager's entry to `api_version`; `None` when all are there
/// (fluxcd/pkg, `ssa/patch.go`, `PatchMigrateToVersion`).
pub(crate) fn migration_patch(live: &Value, api_version: &str) -> Option<Value> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    if entries
        .iter()
        .all(|entry| entry["apiVersion"] == api_version)
    {
        return None;
    }
    let mut entries = entries.clone();
    for entry in &mut entries {
        entry["apiVersion"] = Value::String(api_version.to_owned());
    }
    Some(json!([{"op": "replace", "path": "/metadata/managedFields", "value": entries}]))
}

/// Gives the fields of displaced managers to `own`; `None` when there are none of them.
fn replace_managers(entries: &[Value], displaced: &[Displaced], own: &str) -> Option<Vec<Value>> {
    let is_own = |entry: &Value| entry["manager"] == own && entry["operation"] == "Apply";
    // The last of ours counts, as in Flux.
    let own_place = entries.iter().rposition(is_own);
    let mut ours = own_place.map(|place| entries[place].clone());
    let mut others = Vec::new();
    let mut edited = false;
    for (place, entry) in entries.iter().enumerate() {
        if Some(place) == own_place {
            continue;
        }
        if !displaced.iter().any(|manager| is_displaced(entry, manager)) {
            others.push(entry.clone());
            continue;
        }
        edited = true;
        match &mut ours {
            None => {
                let mut first = entry.clone();
                first["manager"] = json!(own);
                first["operation"] = json!("Apply");
                ours = Some(first);
            }
            Some(ours) => {
                if let Some(fields) = entry.get("fieldsV1") {
                    let mine = ours
                        .get("fieldsV1")
                        .filter(|mine| mine.as_object().is_some_and(|mine| !mine.is_empty()));
                    ours["fieldsV1"] =
                        mine.map_or_else(|| fields.clone(), |mine| union(mine, fields));
                }
            }
        }
    }
    edited.then(|| {
        others.extend(ours);
        others
    })
}

fn is_displaced(entry: &Value, manager: &Displaced) -> bool {
    entry["operation"] == manager.operation
        && entry["subresource"].as_str().is_none_or(str::is_empty)
        && entry["manager"]
            .as_str()
            .is_some_and(|name| name.starts_with(&manager.prefix))
}

/// The union of two field sets as `fieldsV1` writes them: an empty map is a leaf that is owned;
/// a map with children is itself owned when it holds `.`.
fn union(one: &Value, other: &Value) -> Value {
    let empty = Map::new();
    let one = one.as_object().unwrap_or(&empty);
    let other = other.as_object().unwrap_or(&empty);
    let mut merged = Map::new();
    if one.is_empty() != other.is_empty() {
        merged.insert(".".to_owned(), json!({}));
    }
    for (key, value) in one {
        let both = other
            .get(key)
            .map_or_else(|| value.clone(), |theirs| union(value, theirs));
        merged.insert(key.clone(), both);
    }
    for (key, value) in other {
        if !one.contains_key(key) {
            merged.insert(key.clone(), value.clone());
        }
    }
    Value::Object(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields})
    }

    #[test]
    fn gives_kubectl_fields_to_us() {
        let live = json!({"metadata": {
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "managedFields": [
                entry("kustomize-controller", "Apply", &json!({"f:data": {"f:k": {}}})),
                entry("kubectl-edit", "Update", &json!({"f:data": {".": {}, "f:extra": {}}})),
                entry("helm", "Update", &json!({"f:data": {"f:other": {}}})),
            ],
        }});
        let displaced = displaced_managers("kustomize-controller", &[]);
        let patch = metadata_patch(&live, &displaced, "kustomize-controller").unwrap();
        assert_eq!(
            patch,
            json!([
                {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
                {"op": "replace", "path": "/metadata/managedFields", "value": [
                    entry("helm", "Update", &json!({"f:data": {"f:other": {}}})),
                    entry("kustomize-controller", "Apply", &json!({"f:data": {".": {}, "f:k": {}, "f:extra": {}}})),
                ]},
            ])
        );
    }

    #[test]
    fn renames_the_first_when_we_have_none() {
        let live = json!({"metadata": {"managedFields": [entry("kubectl", "Apply", &json!({"f:data": {}}))]}});
        let patch = metadata_patch(&live, &displaced_managers("own", &[]), "own").unwrap();
        assert_eq!(
            patch[0]["value"],
            json!([entry("own", "Apply", &json!({"f:data": {}}))])
        );
    }

    #[test]
    fn leaves_clean_objects_and_subresources_alone() {
        let mut status = entry("kubectl-edit", "Update", &json!({"f:status": {}}));
        status["subresource"] = json!("status");
        let live =
            json!({"metadata": {"managedFields": [entry("own", "Apply", &json!({})), status]}});
        assert_eq!(
            metadata_patch(&live, &displaced_managers("own", &[]), "own"),
            None
        );
        assert_eq!(migration_patch(&live, "v1"), None);
        assert_eq!(
            migration_patch(&live, "v2").unwrap()[0]["value"][1]["apiVersion"],
            "v2"
        );
    }

    #[test]
    fn keeps_ownership_of_a_whole_map() {
        assert_eq!(
            union(&json!({"f:a": {}}), &json!({"f:a": {"f:b": {}}})),
            json!({"f:a": {".": {}, "f:b": {}}})
        );
    }
}
