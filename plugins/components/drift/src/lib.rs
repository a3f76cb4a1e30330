//! The built-in `drift`: judges live objects against desired ones.
//!
//! Configuration: `{"fieldManager": …, "ignore": […]}`, see [`tidegate_drift::Rules::from_json`].

use serde_json::Value;
use tidegate_drift::{Rules, compare, without_managed_fields};
use tidegate_guest::{Comparer, Description, Failure, Pair, Request, Upkeep, Verdict, failure};

struct Drift;

impl Comparer for Drift {
    fn describe() -> Description {
        tidegate_guest::describe!("Tells which live objects differ from what is wanted of them.")
    }

    fn compare(request: &Request, pairs: Vec<Pair>) -> Result<(), Failure> {
        let rules = Rules::from_json(&request.config())
            .map_err(|error| failure::invalid("rules", error.to_string()))?;
        for pair in pairs {
            let dry_run = pair.dry_run();
            let is_plain = dry_run.is_some() && rules.is_empty();
            let dry_run = read(&pair, "dry-run", dry_run, without_managed_fields)?;
            let live = if is_plain {
                read(&pair, "live", pair.live(), without_managed_fields)?
            } else {
                read(&pair, "live", pair.live(), from_slice)?
            };
            // A dry run says more than what it was made of.
            let desired = match &dry_run {
                Some(_) => None,
                None => read(&pair, "desired", Some(pair.desired()), from_slice)?,
            };
            let objects = tidegate_drift::Pair {
                desired: desired
                    .as_ref()
                    .or(dry_run.as_ref())
                    .unwrap_or(&Value::Null),
                live: live.as_ref(),
                dry_run: dry_run.as_ref(),
            };
            for judgement in compare([objects], &rules) {
                let pointers: Vec<String> =
                    judgement.pointers.iter().map(ToString::to_string).collect();
                pair.judge(verdict(judgement.verdict), &pointers);
                for (pointer, how) in &judgement.left_alone {
                    pair.leave(&pointer.to_string(), upkeep(*how));
                }
            }
        }
        Ok(())
    }
}

fn from_slice(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(bytes)
}

fn read(
    pair: &Pair,
    which: &str,
    bytes: Option<Vec<u8>>,
    reader: fn(&[u8]) -> serde_json::Result<Value>,
) -> Result<Option<Value>, Failure> {
    let object = bytes.map(|bytes| reader(&bytes)).transpose();
    object.map_err(|error| {
        let id = pair.id();
        // Where, and not what: the text may quote the object.
        let (line, column) = (error.line(), error.column());
        failure::internal(format!(
            "the {which} object of {}/{} can't be read at line {line}, column {column}",
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

fn upkeep(upkeep: tidegate_drift::Upkeep) -> Upkeep {
    match upkeep {
        tidegate_drift::Upkeep::Adopt => Upkeep::Adopt,
        tidegate_drift::Upkeep::Release => Upkeep::Release,
    }
}

tidegate_guest::export_comparer!(Drift);
