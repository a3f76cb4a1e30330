//! Short ways to make a [`Failure`].

use crate::{Diagnostic, Failure, Location, ReadError, Severity, SinkError};

/// The plugin cannot go on.
pub fn internal(message: impl Into<String>) -> Failure {
    Failure::Internal(message.into())
}

/// The input is wrong, in one way.
pub fn invalid(code: &str, message: impl Into<String>) -> Failure {
    Failure::InvalidInput(vec![error(code, message, None)])
}

/// The input is wrong at a known place.
pub fn invalid_at(code: &str, message: impl Into<String>, location: Location) -> Failure {
    Failure::InvalidInput(vec![error(code, message, Some(location))])
}

/// A file of the input could not be read.
pub fn read(path: &str, error: ReadError) -> Failure {
    invalid("read", format!("{path}: {}", read_error_text(error)))
}

/// The sink refused: this world has no such output.
pub fn closed(_: SinkError) -> Failure {
    internal("the host takes no such output in this world")
}

/// A diagnostic of severity error.
pub fn error(code: &str, message: impl Into<String>, location: Option<Location>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.to_owned(),
        message: message.into(),
        object: None,
        field: None,
        current_value: None,
        proposed_value: None,
        location,
        tags: Vec::new(),
    }
}

fn read_error_text(error: ReadError) -> &'static str {
    match error {
        ReadError::NotFound => "no such file or directory",
        ReadError::NotAFile => "not a file",
        ReadError::NotADirectory => "not a directory",
        ReadError::TooLarge => "file is too large",
        ReadError::Denied => "path is not allowed",
    }
}

#[cfg(test)]
mod tests {
    use super::{closed, internal, invalid, read};
    use crate::{Failure, ReadError, Severity, SinkError};

    #[test]
    fn what_cannot_be_read_is_named() {
        for (error, expected) in [
            (ReadError::NotFound, "a/b: no such file or directory"),
            (ReadError::NotAFile, "a/b: not a file"),
            (ReadError::NotADirectory, "a/b: not a directory"),
            (ReadError::TooLarge, "a/b: file is too large"),
            (ReadError::Denied, "a/b: path is not allowed"),
        ] {
            let Failure::InvalidInput(diagnostics) = read("a/b", error) else {
                panic!("{error:?} is not the user's fault")
            };
            assert_eq!(diagnostics.len(), 1);
            assert_eq!(diagnostics[0].severity, Severity::Error);
            assert_eq!(diagnostics[0].message, expected);
        }
    }

    #[test]
    fn whose_fault_it_is() {
        assert!(matches!(invalid("code", "text"), Failure::InvalidInput(_)));
        assert!(matches!(internal("text"), Failure::Internal(text) if text == "text"));
        assert!(matches!(closed(SinkError::Closed), Failure::Internal(_)));
    }
}
