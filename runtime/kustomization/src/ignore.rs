use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use tidegate_api::IgnoreRule;
use tidegate_api::meta::component;
use tidegate_apply::IgnoreRules;
use tidegate_values::Digest;

/// `spec.ignore` of a Kustomization, followed by the drift engine.
pub(crate) struct Rules {
    rules: tidegate_drift::Rules,
    fingerprint: String,
}

impl Rules {
    /// `None` without rules. An error is a rule that cannot be read.
    pub(crate) fn new(ignore: &[IgnoreRule]) -> Result<Option<Arc<dyn IgnoreRules>>, String> {
        if ignore.is_empty() {
            return Ok(None);
        }
        let config = json!({ "fieldManager": component::KUSTOMIZE_CONTROLLER, "ignore": ignore }).to_string();
        let rules = tidegate_drift::Rules::from_json(&config).map_err(|error| error.to_string())?;
        Ok(Some(Arc::new(Self { rules, fingerprint: Digest::of(config.as_bytes()).to_string() })))
    }
}

impl IgnoreRules for Rules {
    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn strip(&self, selected: &Value, object: &mut Value) -> Result<(), String> {
        self.rules.strip(selected, object);
        Ok(())
    }

    fn adjust(&self, payload: &mut Value, live: &Value, dry_run: &Value, _: &str) -> Result<(), String> {
        tidegate_drift::prepare_payload(payload, live, Some(dry_run), &self.rules);
        Ok(())
    }
}
