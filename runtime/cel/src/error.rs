use cel::ExecutionError;

/// Why an expression cannot be used, or gave no answer. The first three are mistakes of the user
/// that only a changed expression mends; the rest may depend on the object. Texts are Flux's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("failed to parse the CEL expression '{expression}': {reason}")]
    Parse {
        expression: String,
        /// As cel-go reports issues: `ERROR: <input>:1:5: …` and the place in the expression.
        reason: String,
    },
    #[error("CEL expression output type mismatch: expected {expected}, got {actual}")]
    OutputType {
        expected: &'static str,
        actual: String,
    },
    /// Of `healthCheckExprs`; says where.
    #[error("{0}")]
    HealthCheck(String),
    #[error("failed to evaluate the CEL expression '{expression}': {reason}")]
    Evaluation { expression: String, reason: String },
    #[error("failed to evaluate CEL expression as boolean: '{expression}'")]
    NotBoolean { expression: String },
}

/// What went wrong while an expression ran. Values stay out of it: they may be secret.
pub(crate) fn reason(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::UndeclaredReference(name) => format!("no such attribute(s): {name}"),
        ExecutionError::NoSuchOverload(overload) => {
            let types = overload.argument_types().join(", ");
            format!("no such overload: {}({types})", overload.function())
        }
        ExecutionError::UnexpectedType { got, want } => {
            format!("unexpected type: got '{got}', want '{want}'")
        }
        ExecutionError::DivisionByZero(_) => "division by zero".to_owned(),
        ExecutionError::RemainderByZero(_) => "modulus by zero".to_owned(),
        ExecutionError::Overflow(..) => "integer overflow".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "index out of bounds".to_owned(),
        ExecutionError::DuplicateKey(_) => "repeated key in a map".to_owned(),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("invalid argument count: expected {expected}, got {actual}")
        }
        ExecutionError::FunctionError { function, message }
            if function == crate::budget::FUNCTION =>
        {
            message.clone()
        }
        ExecutionError::FunctionError { function, .. } => format!("error in function '{function}'"),
        _ => "no such overload".to_owned(),
    }
}
