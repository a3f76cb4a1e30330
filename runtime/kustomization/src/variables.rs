//! The variables of `postBuild`.

use crate::kustomization::plan::Substitution;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::Value;
use std::collections::BTreeMap;
use tidegate_api::SubstituteReference;
use tidegate_api::meta::annotation;
use tidegate_kube::Cluster;
use tidegate_kube::has_reason;
use tidegate_kube::message_of;

/// Whether a document wants its variables left alone (fluxcd/pkg, `kustomize/kustomize_varsub.go`).
pub(crate) fn is_left_alone(document: &Value) -> bool {
    ["labels", "annotations"].iter().any(|field| {
        let value = document
            .get("metadata")
            .and_then(|metadata| metadata.get(field)?.get(annotation::SUBSTITUTE));
        value.and_then(Value::as_str) == Some("disabled")
    })
}

/// What `postBuild` names.
#[derive(Default)]
pub struct Variables {
    pub values: BTreeMap<String, String>,
    /// Those values that came from Secrets: they must not be shown.
    pub secrets: Vec<String>,
}

/// All variables: references in their order, later ones over earlier ones, and what is given inline over all.
pub async fn load(
    cluster: &Cluster,
    namespace: &str,
    substitution: &Substitution,
) -> Result<Variables, String> {
    let mut variables = Variables::default();
    for reference in &substitution.from {
        match read(cluster, namespace, reference).await {
            Ok(values) => {
                if reference.kind == "Secret" {
                    variables.secrets.extend(values.values().cloned());
                }
                variables.values.extend(values);
            }
            Err(error) if reference.optional && has_reason(&error, "NotFound") => {}
            Err(error) => {
                return Err(format!(
                    "substitute from '{}/{}' error: {}",
                    reference.kind,
                    reference.name,
                    message_of(&error)
                ));
            }
        }
    }
    variables.values.extend(substitution.inline.clone());
    // fluxcd/pkg: line breaks would let a value become more YAML than a value.
    for value in variables.values.values_mut() {
        value.retain(|character| character != '\n');
    }
    Ok(variables)
}

async fn read(
    cluster: &Cluster,
    namespace: &str,
    reference: &SubstituteReference,
) -> Result<BTreeMap<String, String>, kube::Error> {
    if reference.kind == "Secret" {
        let api: Api<Secret> = Api::namespaced(cluster.client(), namespace);
        let data = api.get(&reference.name).await?.data.unwrap_or_default();
        return Ok(data
            .into_iter()
            .map(|(name, value)| (name, String::from_utf8_lossy(&value.0).into_owned()))
            .collect());
    }
    let api: Api<ConfigMap> = Api::namespaced(cluster.client(), namespace);
    Ok(api.get(&reference.name).await?.data.unwrap_or_default())
}
