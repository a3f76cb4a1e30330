//! The built-in drift check without its sandbox, and what it was asked.

use std::sync::Mutex;

use serde_json::Value;
use tidegate_drift::{Rules, compare};
use tidegate_values::{Comparison, DriftCheck, DriftCheckError, Judgement, Pair, Upkeep, Verdict};

#[derive(Default)]
pub(crate) struct Native {
    /// A line a call: the objects and how they were judged.
    calls: Mutex<Vec<String>>,
}

impl Native {
    /// The calls since this was asked for last.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl DriftCheck for Native {
    fn check(&self, comparison: Comparison) -> Result<Vec<Judgement>, DriftCheckError> {
        let judged = Rules::from_json(&comparison.config)
            .map_err(|error| DriftCheckError::Configuration(error.to_string()))
            .map(|rules| {
                let pairs = comparison.pairs.iter();
                pairs.map(|pair| judge(pair, &rules)).collect::<Vec<_>>()
            });
        let line = match &judged {
            Ok(judgements) => {
                let judged = comparison.pairs.iter().zip(judgements);
                let words =
                    judged.map(|(pair, judged)| format!("{} {:?}", pair.id, judged.verdict));
                words.collect::<Vec<_>>().join(", ")
            }
            Err(error) => error.to_string(),
        };
        self.calls.lock().unwrap().push(line);
        judged
    }
}

fn judge(pair: &Pair, rules: &Rules) -> Judgement {
    // As a plugin gets them: what cannot be written as JSON is not there.
    let read = |object: &Value| serde_json::from_str::<Value>(&object.to_string()).unwrap();
    let desired = read(&pair.desired);
    let (live, dry_run) = (
        pair.live.as_deref().map(read),
        pair.dry_run.as_deref().map(read),
    );
    let objects = tidegate_drift::Pair {
        desired: &desired,
        live: live.as_ref(),
        dry_run: dry_run.as_ref(),
    };
    let judgement = compare([objects], rules).next().unwrap();
    Judgement {
        verdict: match judgement.verdict {
            tidegate_drift::Verdict::Same => Verdict::Same,
            tidegate_drift::Verdict::Drifted => Verdict::Drifted,
            tidegate_drift::Verdict::Ignored => Verdict::Ignored,
        },
        pointers: judgement.pointers.iter().map(ToString::to_string).collect(),
        left_alone: judgement
            .left_alone
            .iter()
            .map(|(pointer, upkeep)| {
                let upkeep = match upkeep {
                    tidegate_drift::Upkeep::Adopt => Upkeep::Adopt,
                    tidegate_drift::Upkeep::Release => Upkeep::Release,
                };
                (pointer.to_string(), upkeep)
            })
            .collect(),
    }
}
