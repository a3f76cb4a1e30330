use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value};

use crate::Object;

/// Makes an object fit for server-side apply, as Flux does before it (fluxcd/pkg, `ssa/normalize`, and
/// `RemoveCABundleFromCRD`): without status and creation time, `stringData` of Secrets moved to `data`,
/// the protocol of ports written out, an unusable CA bundle of a definition's webhook left out.
pub(crate) fn normalize(object: &mut Object) {
    let is_definition = object.is_definition();
    let is_secret = object.is_secret();
    let pod = pod_path(object.api_version(), object.kind());
    let is_service = object.api_version() == "v1" && object.kind() == "Service";
    let map = object.as_map_mut();
    if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
        metadata.remove("creationTimestamp");
    }
    if is_definition {
        remove_unusable_bundle(map);
    } else {
        map.remove("status");
    }
    if is_secret {
        move_string_data(map);
    }
    if is_service && let Some(spec) = map.get_mut("spec") {
        default_protocols(spec);
    }
    if let Some(path) = pod
        && let Some(Value::Array(containers)) =
            map.get_mut("spec").and_then(|spec| spec.pointer_mut(path))
    {
        containers.iter_mut().for_each(default_protocols);
    }
}

/// The containers of the kinds that Flux knows to have a pod, below `spec`.
fn pod_path(api_version: &str, kind: &str) -> Option<&'static str> {
    match (api_version, kind) {
        ("v1", "Pod") => Some("/containers"),
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch/v1", "Job") => Some("/template/spec/containers"),
        ("batch/v1", "CronJob") => Some("/jobTemplate/spec/template/spec/containers"),
        _ => None,
    }
}

/// The protocol is part of the key by which the server merges ports, and its default comes too late for that.
fn default_protocols(owner: &mut Value) {
    let Some(Value::Array(ports)) = owner.get_mut("ports") else {
        return;
    };
    for port in ports.iter_mut().filter_map(Value::as_object_mut) {
        if port
            .get("protocol")
            .is_none_or(|protocol| protocol.is_null() || protocol == "")
        {
            port.insert("protocol".into(), Value::String("TCP".into()));
        }
    }
}

fn move_string_data(secret: &mut Map<String, Value>) {
    let texts = match secret.get("stringData") {
        Some(Value::Object(texts))
            if texts
                .values()
                .all(|text| text.is_string() || text.is_null()) =>
        {
            texts
        }
        Some(Value::Null) => {
            secret.remove("stringData");
            return;
        }
        _ => return,
    };
    let encoded: Vec<(String, Value)> = texts
        .iter()
        .map(|(key, text)| {
            (
                key.clone(),
                Value::String(BASE64.encode(text.as_str().unwrap_or_default())),
            )
        })
        .collect();
    let data = secret.entry("data").or_insert(Value::Null);
    if data.is_null() {
        *data = Value::Object(Map::new());
    }
    let Value::Object(data) = data else { return };
    data.extend(encoded);
    secret.remove("stringData");
}

fn remove_unusable_bundle(definition: &mut Map<String, Value>) {
    let client = definition
        .get_mut("spec")
        .and_then(|spec| spec.pointer_mut("/conversion/webhook/clientConfig"));
    let Some(Value::Object(client)) = client else {
        return;
    };
    let Some(bundle) = client
        .get("caBundle")
        .and_then(Value::as_str)
        .filter(|bundle| !bundle.is_empty())
    else {
        return;
    };
    let usable = BASE64
        .decode(bundle)
        .is_ok_and(|pem| pem.is_empty() || has_certificate(&pem));
    if !usable {
        client.remove("caBundle");
    }
}

/// Whether there is a PEM block that holds a DER sequence of the right length: placeholders such as `Cg==` do not.
fn has_certificate(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .any(|rest| {
            let Some((body, _)) = rest.split_once("-----END CERTIFICATE-----") else {
                return false;
            };
            let body: String = body
                .chars()
                .filter(|letter| !letter.is_ascii_whitespace())
                .collect();
            BASE64.decode(body).is_ok_and(|der| is_der_sequence(&der))
        })
}

fn is_der_sequence(der: &[u8]) -> bool {
    let (length, header) = match der {
        [0x30, short, ..] if *short < 0x80 => (usize::from(*short), 2),
        [0x30, 0x81, one, ..] => (usize::from(*one), 3),
        [0x30, 0x82, high, low, ..] => (usize::from(*high) << 8 | usize::from(*low), 4),
        _ => return false,
    };
    der.len() == header + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(input: Value, expected: &Value) {
        let mut object = Object::new(input).unwrap();
        normalize(&mut object);
        assert_eq!(&object.into_value(), expected);
    }

    #[test]
    fn moves_string_data() {
        check(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "creationTimestamp": null},
                "data": {"a": "eA=="}, "stringData": {"a": "y", "b": "z"}}),
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "eQ==", "b": "eg=="}}),
        );
    }

    #[test]
    fn writes_protocols_and_drops_status() {
        let deployment = |port: Value| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
                "spec": {"template": {"spec": {"containers": [{"name": "c", "ports": [port]}]}}}})
        };
        let mut input = deployment(json!({"containerPort": 80}));
        input["status"] = json!({});
        check(
            input,
            &deployment(json!({"containerPort": 80, "protocol": "TCP"})),
        );
        check(
            deployment(json!({"protocol": "UDP"})),
            &deployment(json!({"protocol": "UDP"})),
        );
    }

    #[test]
    fn removes_placeholder_bundles_only() {
        let definition = |config: Value| {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "d"},
                "spec": {"conversion": {"webhook": {"clientConfig": config}}}, "status": {"x": 1}})
        };
        check(
            definition(json!({"caBundle": "Cg=="})),
            &definition(json!({})),
        );
        check(
            definition(json!({"caBundle": "not base64!"})),
            &definition(json!({})),
        );
        let pem =
            BASE64.encode("-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n");
        check(
            definition(json!({"caBundle": pem})),
            &definition(json!({"caBundle": pem})),
        );
    }
}
