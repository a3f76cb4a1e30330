use serde_json::Value;

/// Field paths that are left to others: `spec.ignore` of a Kustomization.
/// Implemented over the drift engine by whoever reads the rules.
pub trait IgnoreRules: Send + Sync {
    /// Tells these rules from others: objects are judged anew when it changes.
    fn fingerprint(&self) -> String;

    /// Removes ignored fields from `object`, by the rules that select `selected`.
    fn strip(&self, selected: &Value, object: &mut Value) -> Result<(), String>;

    /// Changes what will be sent: an ignored field that differs between `live` and `dry_run` is removed when
    /// another manager applied it, else it takes the live value. `manager` is our own.
    fn adjust(
        &self,
        payload: &mut Value,
        live: &Value,
        dry_run: &Value,
        manager: &str,
    ) -> Result<(), String>;
}

/// Whether applying would change what counts: labels, annotations, and everything beside metadata and status
/// (fluxcd/pkg, `ssa/manager_diff.go`, `hasDrifted`).
pub(crate) fn has_drifted(live: &Value, dry_run: &Value) -> bool {
    let metadata = |object: &Value, field| {
        let entries = object
            .get("metadata")
            .and_then(|metadata| metadata.get(field))
            .and_then(Value::as_object)
            .cloned();
        entries.unwrap_or_default()
    };
    if ["labels", "annotations"]
        .into_iter()
        .any(|field| metadata(live, field) != metadata(dry_run, field))
    {
        return true;
    }
    let (Some(live), Some(dry_run)) = (live.as_object(), dry_run.as_object()) else {
        return true;
    };
    let counts = |key: &&String| *key != "metadata" && *key != "status";
    live.keys().filter(counts).count() != dry_run.keys().filter(counts).count()
        || live
            .keys()
            .filter(counts)
            .any(|key| live.get(key) != dry_run.get(key))
}

/// As [`has_drifted`], with ignored fields left out on both sides.
pub(crate) fn has_drifted_beside(
    rules: &dyn IgnoreRules,
    live: &Value,
    dry_run: &Value,
) -> Result<bool, String> {
    let mut bare_live = live.clone();
    let mut bare_dry_run = dry_run.clone();
    rules.strip(dry_run, &mut bare_live)?;
    rules.strip(dry_run, &mut bare_dry_run)?;
    Ok(has_drifted(&bare_live, &bare_dry_run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn compares_what_counts() {
        let live = json!({"metadata": {"labels": {}, "resourceVersion": "1"}, "spec": {"a": 1}, "status": {"x": 1}});
        assert!(!has_drifted(
            &live,
            &json!({"metadata": {"resourceVersion": "1"}, "spec": {"a": 1}})
        ));
        assert!(has_drifted(
            &live,
            &json!({"metadata": {}, "spec": {"a": 2}})
        ));
        assert!(has_drifted(
            &live,
            &json!({"metadata": {}, "spec": {"a": 1}, "data": {}})
        ));
        assert!(has_drifted(
            &live,
            &json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"a": 1}})
        ));
    }
}
