/// Rules that cannot be used. The texts are Flux's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("invalid configuration of the drift check: {0}")]
    Configuration(String),
    #[error("failed to create ignore rule selector: invalid {field}: {reason}")]
    Selector {
        /// `group regex`, `label selector` …
        field: &'static str,
        reason: String,
    },
    #[error("JSON pointer must be empty or start with a \"/\": '{0}'")]
    Pointer(String),
}
