//! A plugin of the world `compare` as the drift check of those who apply objects.

use crate::{Call, Failure, PluginPre};
use tidegate_values::{Comparison, DriftCheck, DriftCheckError, Judgement};

impl DriftCheck for PluginPre {
    /// One call for all pairs; nothing is kept.
    fn check(&self, comparison: Comparison) -> Result<Vec<Judgement>, DriftCheckError> {
        let call = Call {
            tenant: comparison.tenant,
            config: comparison.config,
            ..Call::default()
        };
        let report = self.compare(call, comparison.pairs);
        // Nothing secret went in: pairs have words in the place of Secrets' values.
        report.hand_log_on(self.name(), str::to_owned);
        match report.outcome {
            Ok(()) => Ok(report.judgements),
            Err(failure @ Failure::InvalidInput(_)) => {
                Err(DriftCheckError::Configuration(failure.to_string()))
            }
            Err(failure) => Err(DriftCheckError::Failed(failure.to_string())),
        }
    }
}
