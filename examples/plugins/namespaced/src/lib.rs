//! A validator: finds objects that say no namespace.
//!
//! Configuration: `{"clusterScoped": ["ClusterRole", …]}`, the kinds that need none.

use serde::Deserialize;
use tidegate_guest::{
    Description, Diagnostic, Failure, Request, Severity, Sink, Validator, failure,
};

struct Namespaced;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Config {
    cluster_scoped: Vec<String>,
}

impl Validator for Namespaced {
    fn describe() -> Description {
        tidegate_guest::describe!("Finds objects that say no namespace.")
    }

    fn validate(request: &Request, sink: &Sink) -> Result<(), Failure> {
        // The text of the error would show values, which may be secret.
        let config: Config = serde_json::from_str(&request.config()).map_err(|error| {
            let what = error.classify();
            failure::invalid(
                "config",
                format!("the configuration cannot be read ({what:?})"),
            )
        })?;
        for manifest in request.manifests() {
            let id = manifest.id();
            if id.namespace.is_some() || config.cluster_scoped.contains(&id.kind) {
                continue;
            }
            let found = Diagnostic {
                severity: Severity::Error,
                code: "no-namespace".to_owned(),
                message: format!("{} `{}` says no namespace", id.kind, id.name),
                object: Some(id),
                field: Some("metadata.namespace".to_owned()),
                current_value: None,
                proposed_value: None,
                location: manifest.origin(),
                tags: Vec::new(),
            };
            sink.report(&found).map_err(failure::closed)?;
        }
        Ok(())
    }
}

tidegate_guest::export_validator!(Namespaced);
