//! Whether what a Kustomization depends on is ready.

use super::Inputs;
use super::outcome::Outcome;
use super::outcome::Revision;
use kube::ResourceExt as _;
use serde_json::Value;
use tidegate_api::Kustomization;
use tidegate_api::meta::condition;
use tidegate_api::meta::group::KUSTOMIZE;
use tidegate_api::meta::reason;
use tidegate_cel::Expression;
use tidegate_kube::Key;

/// Checks every dependency in order (kustomize-controller, `checkDependencies`): it exists, its own expression holds,
/// and, unless an expression takes the place of that, it is ready, at the revision that is to be applied where both
/// have the same source.
pub(super) fn check(
    object: &Kustomization,
    inputs: &Inputs,
    revision: &Revision,
    expression_adds: bool,
) -> Result<(), Outcome> {
    let namespace = object.namespace().unwrap_or_default();
    for reference in &object.spec.depends_on {
        let key = Key::new(
            reference.namespace.as_deref().unwrap_or(&namespace),
            &reference.name,
        );
        let not_ready = |message: String| Outcome::DependencyNotReady {
            message,
            revision: revision.clone(),
        };
        let Some(dependency) = inputs.dependencies.get(&key) else {
            return Err(not_ready(format!(
                "dependency '{key}' not found: kustomizations.{KUSTOMIZE} \"{}\" not found",
                key.name
            )));
        };
        // Flux says "not found" whatever the API server said.
        let dependency = dependency
            .as_ref()
            .map_err(|cause| not_ready(format!("unable to get dependency '{key}': {cause}")))?;
        if let Some(expression) = &reference.ready_expr {
            // Compiled once the dependency exists: an error is a mistake of the spec.
            let expression =
                Expression::ready(expression).map_err(|error| Outcome::Misconfigured {
                    reason: reason::INVALID_CEL_EXPRESSION,
                    message: format!(
                        "terminal error: failed to evaluate dependency {}: {error}",
                        key.name
                    ),
                    revision: Some(revision.clone()),
                })?;
            let json = |object: &Kustomization| serde_json::to_value(object).unwrap_or(Value::Null);
            let holds = expression
                .is_ready(&json(object), &json(dependency))
                .map_err(|error| not_ready(error.to_string()))?;
            if !holds {
                return Err(not_ready(format!(
                    "dependency '{key}' is not ready according to readyExpr eval"
                )));
            }
            if !expression_adds {
                continue;
            }
        }
        let status = &dependency.status;
        if status.conditions.is_empty()
            || dependency.metadata.generation != Some(status.observed_generation)
            || !status.conditions.is_true(condition::READY)
        {
            return Err(not_ready(format!("dependency '{key}' is not ready")));
        }
        if same_source(object, dependency)
            && status.last_applied_revision.as_ref() != Some(&revision.revision)
        {
            return Err(not_ready(format!(
                "dependency '{key}' revision is not up to date"
            )));
        }
    }
    Ok(())
}

fn same_source(one: &Kustomization, other: &Kustomization) -> bool {
    let source = |object: &Kustomization| {
        let reference = &object.spec.source_ref;
        let namespace = object.namespace().unwrap_or_default();
        (
            reference.kind.clone(),
            reference.namespace_or(&namespace).to_owned(),
            reference.name.clone(),
        )
    };
    source(one) == source(other)
}
