//! The built-in `drift`: judges live objects against desired ones.
//!
//! Configuration: `{"fieldManager": …, "ignore": […]}`, see [`tidegate_drift::Rules::from_json`].

use serde_json::Value;
use tidegate_drift::{Rules, compare};
use tidegate_guest::{Comparer, Description, Failure, Pair, Request, Verdict, failure};

struct Drift;

impl Comparer for Drift {
    fn describe() -> Description {
        tidegate_guest::describe!("Tells which live objects differ from what is wanted of them.")
    }

    fn compare(request: &Request, pairs: Vec<Pair>) -> Result<(), Failure> {
        let rules = Rules::from_json(&request.config())
            .map_err(|error| failure::invalid("rules", error.to_string()))?;
        for pair in pairs {
            let desired = object(&pair, "desired", &pair.desired())?;
            let live = pair
                .live()
                .map(|bytes| object(&pair, "live", &bytes))
                .transpose()?;
            let dry_run = pair
                .dry_run()
                .map(|bytes| object(&pair, "dry-run", &bytes))
                .transpose()?;
            let objects = tidegate_drift::Pair {
                desired: &desired,
                live: live.as_ref(),
                dry_run: dry_run.as_ref(),
            };
            for judgement in compare([objects], &rules) {
                let pointers: Vec<String> =
                    judgement.pointers.iter().map(ToString::to_string).collect();
                pair.judge(verdict(judgement.verdict), &pointers);
            }
        }
        Ok(())
    }
}

fn object(pair: &Pair, which: &str, bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let id = pair.id();
        failure::internal(format!(
            "{which} object of {}/{}: {error}",
            id.kind, id.name
        ))
    })
}

fn verdict(verdict: tidegate_drift::Verdict) -> Verdict {
    match verdict {
        tidegate_drift::Verdict::Same => Verdict::Same,
        tidegate_drift::Verdict::Drifted => Verdict::Drifted,
        tidegate_drift::Verdict::Ignored => Verdict::Ignored,
    }
}

tidegate_guest::export_comparer!(Drift);
