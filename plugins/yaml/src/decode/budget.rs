//! The cap on what aliases may blow a document up to.

use crate::error::Error;

/// Counts decoding steps, and how many of them aliases caused (decode.go, `allowedAliasRatio`).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Budget {
    steps: u32,
    alias_steps: u32,
}

/// Up to here 99 % of the steps may come from aliases.
const LOW: f64 = 400_000.0;
/// From here only 10 %.
const HIGH: f64 = 4_000_000.0;

impl Budget {
    /// Counts one step.
    pub(crate) fn step(&mut self, in_alias: bool) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(1);
        if in_alias {
            self.alias_steps = self.alias_steps.saturating_add(1);
        }
        if self.alias_steps > 100 && self.steps > 1000 && self.ratio() > self.allowed_ratio() {
            return Err(Error::problem("document contains excessive aliasing"));
        }
        Ok(())
    }

    fn ratio(self) -> f64 {
        f64::from(self.alias_steps) / f64::from(self.steps)
    }

    fn allowed_ratio(self) -> f64 {
        let steps = f64::from(self.steps);
        if steps <= LOW {
            0.99
        } else if steps >= HIGH {
            0.10
        } else {
            0.99 - 0.89 * ((steps - LOW) / (HIGH - LOW))
        }
    }
}
