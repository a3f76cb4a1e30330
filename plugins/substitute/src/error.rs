use crate::expression::ExpressionError;
use crate::variables::NAME_RULE;

/// Why the manifests cannot be substituted. Texts are Flux's, which shows them in conditions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("post build failed for '{object}': {problem}")]
    Manifest {
        /// As kustomize writes ids: `ConfigMap.v1.[noGrp]/name`.
        object: String,
        problem: Problem,
    },
    /// Objects came to have one id.
    #[error("in Replace: id matched {count} resources")]
    SameId { count: usize },
}

/// What is wrong with one manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    #[error("envsubst error: '{0}' var name is invalid, must match '{NAME_RULE}'")]
    VariableName(String),
    #[error("envsubst error: variable substitution failed: {0}")]
    Expression(#[from] ExpressionError),
    /// The text is no YAML any more.
    #[error("envsubst error: YAMLToJSON: {0}")]
    Yaml(tidegate_yaml::Error),
    /// The text is no object any more.
    #[error("UnmarshalJSON: {0}")]
    NoObject(&'static str),
    /// The manifest as it was handed in.
    #[error("{0}")]
    Input(tidegate_yaml::Error),
}
