//! The names that specs refer to others by. Each goes into the path of a request, so none may be but a name.

use crate::{GitRepositorySpec, KustomizationSpec, LocalObjectReference};
use tidegate_values::{NameError, NameRule};

/// A field whose value can't be the name of what it refers to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {error}")]
pub struct InvalidName {
    /// As in `spec.dependsOn[1].name`.
    pub field: String,
    /// The name, and the rule that it breaks.
    pub error: NameError,
}

impl KustomizationSpec {
    /// Whether everything that this refers to can exist.
    ///
    /// # Errors
    /// The first field that names what can't.
    pub fn check_names(&self) -> Result<(), InvalidName> {
        let source = &self.source_ref;
        object("sourceRef.name", &source.name)?;
        namespace("sourceRef.namespace", source.namespace.as_deref())?;
        account("serviceAccountName", self.service_account_name.as_deref())?;
        namespace("targetNamespace", self.target_namespace.as_deref())?;
        for (place, dependency) in self.depends_on.iter().enumerate() {
            object(&format!("dependsOn[{place}].name"), &dependency.name)?;
            let field = format!("dependsOn[{place}].namespace");
            namespace(&field, dependency.namespace.as_deref())?;
        }
        let substitutions = self.post_build.iter().flat_map(|it| &it.substitute_from);
        for (place, reference) in substitutions.enumerate() {
            let field = format!("postBuild.substituteFrom[{place}].name");
            object(&field, &reference.name)?;
        }
        for (place, check) in self.health_checks.iter().enumerate() {
            let field = format!("healthChecks[{place}].name");
            judge(NameRule::PathSegment, &field, &check.name, "an object")?;
            let field = format!("healthChecks[{place}].namespace");
            namespace(&field, check.namespace.as_deref())?;
        }
        if let Some(decryption) = &self.decryption {
            referred("decryption.secretRef.name", decryption.secret_ref.as_ref())?;
            let name = decryption.service_account_name.as_deref();
            account("decryption.serviceAccountName", name)?;
        }
        if let Some(kube_config) = &self.kube_config {
            let config_map = kube_config.config_map_ref.as_ref();
            referred("kubeConfig.configMapRef.name", config_map)?;
            if let Some(secret) = &kube_config.secret_ref {
                object("kubeConfig.secretRef.name", &secret.name)?;
            }
        }
        Ok(())
    }
}

impl GitRepositorySpec {
    /// Whether everything that this refers to can exist.
    ///
    /// # Errors
    /// The first field that names what can't.
    pub fn check_names(&self) -> Result<(), InvalidName> {
        referred("secretRef.name", self.secret_ref.as_ref())?;
        referred("proxySecretRef.name", self.proxy_secret_ref.as_ref())?;
        account("serviceAccountName", self.service_account_name.as_deref())?;
        for (place, include) in self.include.iter().enumerate() {
            let field = format!("include[{place}].repository.name");
            object(&field, &include.repository.name)?;
        }
        if let Some(verify) = &self.verify {
            object("verify.secretRef.name", &verify.secret_ref.name)?;
        }
        Ok(())
    }
}

fn object(field: &str, name: &str) -> Result<(), InvalidName> {
    judge(NameRule::Subdomain, field, name, "an object")
}

fn referred(field: &str, reference: Option<&LocalObjectReference>) -> Result<(), InvalidName> {
    reference.map_or(Ok(()), |reference| object(field, &reference.name))
}

fn account(field: &str, name: Option<&str>) -> Result<(), InvalidName> {
    let what = "a service account";
    name.map_or(Ok(()), |name| judge(NameRule::Subdomain, field, name, what))
}

fn namespace(field: &str, name: Option<&str>) -> Result<(), InvalidName> {
    let what = "a namespace";
    name.map_or(Ok(()), |name| judge(NameRule::Label, field, name, what))
}

fn judge(rule: NameRule, field: &str, name: &str, what: &'static str) -> Result<(), InvalidName> {
    rule.check(name, what).map_err(|error| InvalidName {
        field: format!("spec.{field}"),
        error,
    })
}
