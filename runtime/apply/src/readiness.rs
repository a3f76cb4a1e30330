use serde_json::Value;

/// Whether an object of a stage is ready for the stages after it: kstatus' words for the few kinds
/// that stages wait for (cli-utils, `pkg/kstatus/status`, `Compute`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    Current,
    InProgress,
    Failed,
    Terminating,
    NotFound,
    Unknown,
}

impl Readiness {
    pub(crate) fn of(live: &Value) -> Self {
        if live
            .pointer("/metadata/deletionTimestamp")
            .is_some_and(|time| !time.is_null())
        {
            return Self::Terminating;
        }
        let observed = live
            .pointer("/status/observedGeneration")
            .and_then(Value::as_i64);
        if observed.is_some()
            && observed != live.pointer("/metadata/generation").and_then(Value::as_i64)
        {
            return Self::InProgress;
        }
        if live["kind"] == "CustomResourceDefinition" {
            return Self::of_definition(live);
        }
        match condition(live, "Stalled") {
            Some("True") => return Self::Failed,
            _ if condition(live, "Reconciling") == Some("True") => return Self::InProgress,
            _ => {}
        }
        match condition(live, "Ready") {
            Some("False" | "Unknown") => Self::InProgress,
            _ => Self::Current,
        }
    }

    fn of_definition(live: &Value) -> Self {
        if condition(live, "NamesAccepted") == Some("False") {
            return Self::Failed;
        }
        match condition(live, "Established") {
            Some("True") => Self::Current,
            _ => Self::InProgress,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        }
    }
}

fn condition<'a>(live: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = live.pointer("/status/conditions")?.as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)?
        .get("status")?
        .as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn waits_for_established_definitions() {
        let definition = |conditions: Value| json!({"kind": "CustomResourceDefinition", "status": {"conditions": conditions}});
        assert_eq!(Readiness::of(&definition(json!([]))), Readiness::InProgress);
        let established = json!([{"type": "Established", "status": "True"}]);
        assert_eq!(Readiness::of(&definition(established)), Readiness::Current);
        let refused = json!([{"type": "NamesAccepted", "status": "False"}]);
        assert_eq!(Readiness::of(&definition(refused)), Readiness::Failed);
    }

    #[test]
    fn knows_the_other_kinds() {
        assert_eq!(
            Readiness::of(&json!({"kind": "Namespace", "status": {"phase": "Active"}})),
            Readiness::Current
        );
        let ending =
            json!({"kind": "Namespace", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert_eq!(Readiness::of(&ending), Readiness::Terminating);
        let class = json!({"kind": "GatewayClass", "metadata": {"generation": 2}, "status": {"observedGeneration": 1}});
        assert_eq!(Readiness::of(&class), Readiness::InProgress);
    }
}
