//! The JSON of an event (fluxcd/pkg, `apis/event/v1beta1`, `Event`).

use crate::Posted;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tidegate_values::Severity;

/// How many characters of a message are sent (`Event.Message`, `MaxLength`).
const LONGEST_MESSAGE: usize = 39_000;

/// What is posted; `None` for traces, which receivers never see.
pub(crate) fn body_of(posted: &Posted, instance: &str) -> Option<Value> {
    let event = &posted.event;
    let severity = match event.severity {
        Severity::Trace => return None,
        Severity::Info => "info",
        Severity::Error => "error",
    };
    // As Go's `omitempty` has it: what is empty is not there.
    let mut object = Map::new();
    for (field, value) in [
        ("kind", &event.object.kind),
        ("namespace", &event.object.namespace),
        ("name", &event.object.name),
        ("uid", &posted.uid),
        ("apiVersion", &event.object.api_version),
        ("resourceVersion", &posted.resource_version),
    ] {
        if !value.is_empty() {
            object.insert(field.to_owned(), json!(value));
        }
    }
    let mut body = json!({
        "involvedObject": object,
        "severity": severity,
        "timestamp": posted.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "message": cut(&event.message),
        "reason": event.reason,
    });
    if !event.annotations.is_empty() {
        body["metadata"] = json!(event.annotations);
    }
    body["reportingController"] = json!(posted.controller);
    if !instance.is_empty() {
        body["reportingInstance"] = json!(instance);
    }
    Some(body)
}

fn cut(message: &str) -> &str {
    message
        .char_indices()
        .nth(LONGEST_MESSAGE)
        .map_or(message, |(end, _)| &message[..end])
}

#[cfg(test)]
mod tests {
    use super::LONGEST_MESSAGE;
    use super::cut;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ü".repeat(LONGEST_MESSAGE + 1);
        assert_eq!(cut(&long).chars().count(), LONGEST_MESSAGE);
    }
}
