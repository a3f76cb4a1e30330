use jiff::Timestamp;
use std::time::Duration;
use std::time::Instant;

/// Where the time comes from. Steps that decide take the time as an argument; only the loop asks for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

impl Clock {
    /// The wall clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "reconciles get the time from here alone"
    )]
    pub fn now(self) -> Timestamp {
        Timestamp::now()
    }

    /// A moment to measure from.
    pub fn instant(self) -> Instant {
        Instant::now()
    }

    /// How long ago `since` was.
    pub fn elapsed(self, since: Instant) -> Duration {
        self.instant().duration_since(since)
    }
}
