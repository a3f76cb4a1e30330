//! The built-in transformer `substitute`: Flux's post-build substitution.
//!
//! Configuration: `{"vars": {"name": "value", …}, "strategy": "WithVariables" or "Always", "strict": false}`.

use serde::Deserialize;
use std::collections::BTreeMap;
use tidegate_guest::{Description, Failure, Format, Request, Role, Sink, Transformer, failure};
use tidegate_substitute::{Manifest, Options, Outcome, Variables, substitute};

struct Substitute;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Config {
    vars: BTreeMap<String, String>,
    strategy: Strategy,
    strict: bool,
}

/// As in `spec.postBuild.substituteStrategy`.
#[derive(Default, Deserialize, PartialEq)]
enum Strategy {
    #[default]
    WithVariables,
    Always,
}

impl Transformer for Substitute {
    fn describe() -> Description {
        tidegate_guest::describe!(
            "Puts the values of variables into manifests, as Flux's postBuild does."
        )
    }

    fn transform(request: &Request, sink: &Sink) -> Result<(), Failure> {
        // The text of the error would show values, which may be secret.
        let config: Config = serde_json::from_str(&request.config()).map_err(|error| {
            failure::invalid(
                "config",
                format!("the configuration cannot be read ({:?})", error.classify()),
            )
        })?;
        let options = Options {
            strict: config.strict,
            always: config.strategy == Strategy::Always,
        };
        let variables: Variables = config.vars.into_iter().collect();
        let manifests = request.manifests();
        let texts = manifests
            .iter()
            .map(|manifest| String::from_utf8(manifest.bytes()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failure::invalid("utf8", error.utf8_error().to_string()))?;
        let views: Vec<_> = texts.iter().map(|text| Manifest { text }).collect();
        let outcomes = substitute(&views, &variables, options)
            .map_err(|error| failure::invalid("substitute", error.to_string()))?;
        for (manifest, outcome) in manifests.iter().zip(outcomes) {
            match outcome {
                Outcome::Unchanged => sink.keep(manifest),
                Outcome::Changed(text) => {
                    let origin = manifest.origin();
                    sink.emit(
                        Role::Manifest,
                        Format::Yaml,
                        text.as_bytes(),
                        origin.as_ref(),
                    )
                }
            }
            .map_err(failure::closed)?;
        }
        Ok(())
    }
}

tidegate_guest::export_transformer!(Substitute);
