//! How long, and how often, the cluster is asked again.

use std::time::Duration;

use tokio::time::Instant;

/// Pauses between questions, each twice as long as the one before, up to a second.
pub(crate) struct Polling {
    deadline: Instant,
    pause: Duration,
}

impl Polling {
    /// For `time` in all.
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            deadline: Instant::now() + time,
            pause: Duration::from_millis(25),
        }
    }

    /// Is there time for another pause?
    pub(crate) fn is_left(&self) -> bool {
        Instant::now() + self.pause <= self.deadline
    }

    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(1));
    }
}
