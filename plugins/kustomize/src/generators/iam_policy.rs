//! The service account of a workload identity on GKE.

use tidegate_object::Node;

use super::Generator;
use crate::Error;
use crate::decode::decode_struct;
use crate::error::Result;
use crate::loader::Loader;
use crate::resource::{Resource, text_node};

#[derive(Debug, Clone, Default)]
pub(crate) struct IamPolicyGenerator {
    cloud: String,
    kubernetes_service: KubernetesService,
    service_account: CloudAccount,
}

#[derive(Debug, Clone, Default)]
struct KubernetesService {
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, Default)]
struct CloudAccount {
    name: String,
    project_id: String,
}

decode_struct!(KubernetesService, "types.KubernetesService", { "name" => name, "namespace" => namespace });
decode_struct!(CloudAccount, "types.ServiceAccount", { "name" => name, "projectId" => project_id });
decode_struct!(IamPolicyGenerator, "types.IAMPolicyGeneratorArgs", {
    "cloud" => cloud, "kubernetesService" => kubernetes_service, "serviceAccount" => service_account,
});

impl Generator for IamPolicyGenerator {
    fn generate(&self, _: &Loader<'_>) -> Result<Vec<Resource>> {
        if self.cloud != "gke" {
            return Err(Error::text(format!(
                "cloud provider {} not supported yet",
                self.cloud
            )));
        }
        let texts = |entries: Vec<(&str, String)>| {
            Node::mapping(
                entries
                    .into_iter()
                    .map(|(key, value)| (Node::string(key), text_node(value)))
                    .collect(),
            )
        };
        let account = format!(
            "{}@{}.iam.gserviceaccount.com",
            self.service_account.name, self.service_account.project_id
        );
        let mut metadata = texts(vec![("name", self.kubernetes_service.name.clone())]);
        if !self.kubernetes_service.namespace.is_empty() {
            metadata.set(
                "namespace",
                text_node(self.kubernetes_service.namespace.clone()),
            );
        }
        metadata.set(
            "annotations",
            texts(vec![("iam.gke.io/gcp-service-account", account)]),
        );
        let mut node = texts(vec![
            ("apiVersion", "v1".to_owned()),
            ("kind", "ServiceAccount".to_owned()),
        ]);
        node.set("metadata", metadata);
        Ok(vec![Resource::new(node)])
    }
}
