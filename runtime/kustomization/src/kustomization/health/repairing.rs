//! When what somebody moved is put right amid a wait for health.

use crate::Reconciler;
use std::time::Duration;
use std::time::Instant;
use tidegate_flow::Run;
use tidegate_flow::Trigger;

/// Who changes one object behind our backs changes more: a repair takes them together.
const GATHER: Duration = Duration::from_millis(200);
/// Between repairs: controllers write to what they bring up, and that is looked at too.
const PAUSE: Duration = Duration::from_secs(2);
/// Between repairs that fail: [`PAUSE`], doubling up to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The repairs of one wait.
pub(in crate::kustomization) struct Repairing {
    not_before: Instant,
    pause: Duration,
    /// Why the last one failed, as long as none succeeded since.
    failed: Option<String>,
    /// The last one found nothing to repair: who moves things on and on does not keep them from being well.
    was_idle: bool,
}

impl Repairing {
    pub(in crate::kustomization) fn new(now: Instant) -> Self {
        Self {
            not_before: now,
            pause: PAUSE,
            failed: None,
            was_idle: false,
        }
    }

    /// Why what was applied is not as it is wanted.
    pub(in crate::kustomization) fn failed(&self) -> Option<&String> {
        self.failed.as_ref()
    }

    /// Whether a repair is to be made before what a look told counts.
    pub(super) fn comes_first(&self, run: &Run<Reconciler>) -> bool {
        !self.was_idle && self.failed.is_none() && run.has_come(is_moved)
    }

    /// Waits until something has moved, or stayed as it was because its repair failed, and a repair may be made.
    pub(super) async fn is_due(&self, run: &Run<Reconciler>) {
        if self.failed.is_none() {
            run.came(is_moved).await;
        }
        tokio::time::sleep_until(self.not_before.into()).await;
    }

    /// How long it takes until the repair begins.
    pub(in crate::kustomization) fn gather(&self, now: Instant) -> Duration {
        if self.failed.is_some() {
            return Duration::ZERO;
        }
        self.not_before.saturating_duration_since(now).max(GATHER)
    }

    /// Enters how a repair ended: whether it changed anything, or why it failed. Is the failure another than before?
    pub(in crate::kustomization) fn ended(
        &mut self,
        repaired: Result<bool, String>,
        now: Instant,
    ) -> bool {
        match repaired {
            Ok(changed) => {
                self.not_before = now + PAUSE;
                self.pause = PAUSE;
                self.was_idle = !changed;
                self.failed = None;
                false
            }
            Err(message) => {
                self.not_before = now + self.pause;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.was_idle = false;
                self.failed.replace(message) != self.failed
            }
        }
    }
}

fn is_moved(trigger: &Trigger) -> bool {
    *trigger == Trigger::Moved
}
