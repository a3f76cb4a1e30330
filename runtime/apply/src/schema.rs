use serde_json::{Map, Value};

/// Groups whose kinds Flux converts to Go types before it applies them, so that unknown fields vanish
/// (client-go's scheme). Definitions and custom resources are not among them: there the server's refusal stands.
fn is_typed_in_go(group: &str) -> bool {
    const GROUPS: &[&str] = &[
        "",
        "admissionregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ];
    GROUPS.contains(&group)
}

/// Removes the fields that the server's answer to an apply calls undeclared. `false` when there are none to remove:
/// the answer is about something else, or the kind is none that Flux would have cleaned.
///
/// Flux removes them by a round trip through Go's types, before it asks. We have no such types, and learn them from
/// the refusal: `….spec.nodes: field not declared in schema`.
pub(crate) fn drop_undeclared(object: &mut Map<String, Value>, group: &str, message: &str) -> bool {
    if !is_typed_in_go(group) || !message.starts_with("failed to create typed patch object") {
        return false;
    }
    let mut dropped = false;
    for line in message.split('\n') {
        let Some(line) = line.strip_suffix(": field not declared in schema") else {
            continue;
        };
        let path = match line.rsplit_once("): ") {
            Some((_, path)) => path,
            None => line.trim_start(),
        };
        dropped |= remove(object, path);
    }
    dropped
}

/// Removes what stands at a path such as `.spec.containers[name="a"].ports[0].x`.
fn remove(map: &mut Map<String, Value>, path: &str) -> bool {
    let Some(rest) = path.strip_prefix('.') else {
        return false;
    };
    if map.contains_key(rest) {
        map.remove(rest);
        return true;
    }
    // A key may itself hold dots and brackets: the one that is there counts.
    let ends = rest.match_indices(['.', '[']).map(|(place, _)| place);
    for end in ends {
        let (key, below) = rest.split_at(end);
        let removed = match map.get_mut(key) {
            Some(Value::Object(child)) => remove(child, below),
            Some(Value::Array(items)) => remove_in_list(items, below),
            _ => false,
        };
        if removed {
            return true;
        }
    }
    false
}

fn remove_in_list(items: &mut [Value], path: &str) -> bool {
    let Some((selector, below)) = path.strip_prefix('[').and_then(|path| path.split_once(']'))
    else {
        return false;
    };
    if let Ok(index) = selector.parse::<usize>() {
        return items
            .get_mut(index)
            .and_then(Value::as_object_mut)
            .is_some_and(|item| remove(item, below));
    }
    let item = items
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .find(|item| is_selected(item, selector));
    item.is_some_and(|item| remove(item, below))
}

/// `name="a",port=80`: keys of a list's item. Keys that the item leaves to their defaults count as equal.
fn is_selected(item: &Map<String, Value>, selector: &str) -> bool {
    selector.split(',').all(|pair| {
        let Some((key, wanted)) = pair.split_once('=') else {
            return false;
        };
        serde_json::from_str(wanted)
            .is_ok_and(|wanted: Value| item.get(key).is_none_or(|value| *value == wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(message: &str, mut object: Value, expected: &Value, dropped: bool) {
        assert_eq!(
            drop_undeclared(object.as_object_mut().unwrap(), "apps", message),
            dropped
        );
        assert_eq!(&object, expected);
    }

    #[test]
    fn drops_one() {
        check(
            "failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): .spec.x: field not declared in schema",
            json!({"spec": {"x": 1, "y": 2}}),
            &json!({"spec": {"y": 2}}),
            true,
        );
    }

    #[test]
    fn drops_several_in_lists() {
        check(
            "failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): errors:\n  \
             .spec.containers[name=\"a\"].x: field not declared in schema\n  \
             .metadata.bad.key: field not declared in schema\n  \
             .spec.rules[1].z: field not declared in schema",
            json!({"metadata": {"bad.key": 1}, "spec": {"containers": [{"name": "b", "x": 1}, {"name": "a", "x": 1}],
                "rules": [{}, {"z": 1}]}}),
            &json!({"metadata": {}, "spec": {"containers": [{"name": "b", "x": 1}, {"name": "a"}], "rules": [{}, {}]}}),
            true,
        );
    }

    #[test]
    fn leaves_other_refusals_and_custom_kinds_alone() {
        let object = json!({"spec": {"x": 1}});
        check(
            "admission webhook denied: .spec.x: field not declared in schema",
            object.clone(),
            &object,
            false,
        );
        let message = "failed to create typed patch object (ns/d; g/v1, Kind=A): .spec.x: field not declared in schema";
        let mut custom = object.clone();
        assert!(!drop_undeclared(
            custom.as_object_mut().unwrap(),
            "g.example",
            message
        ));
        assert_eq!(custom, object);
    }
}
