//! A transformer: leaves objects of some kinds out, and keeps the others as they are.
//!
//! Configuration: `{"kinds": ["Ingress", …]}`.

use serde::Deserialize;
use tidegate_guest::{Description, Failure, Request, Sink, Transformer, failure, logging};

struct WithoutKinds;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    kinds: Vec<String>,
}

impl Transformer for WithoutKinds {
    fn describe() -> Description {
        tidegate_guest::describe!("Leaves objects of some kinds out.")
    }

    fn transform(request: &Request, sink: &Sink) -> Result<(), Failure> {
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
            if config.kinds.contains(&id.kind) {
                let fields = [("kind".to_owned(), id.kind), ("name".to_owned(), id.name)];
                logging::log(logging::Level::Info, "left out", &fields);
                continue;
            }
            // No bytes are copied: what is kept stays with the host.
            sink.keep(&manifest).map_err(failure::closed)?;
        }
        Ok(())
    }
}

tidegate_guest::export_transformer!(WithoutKinds);
