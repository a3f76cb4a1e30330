use std::time::Duration;
use std::time::Instant;

/// The delays between tries to watch: doubling, until something is heard, or nothing failed for a while.
///
/// kube's own back-off begins anew whenever its watcher begins a list, so that a kind that is not installed would be
/// asked for several times a second, for ever.
pub(crate) struct WatchBackoff {
    next: Duration,
    /// When the last delay ended.
    waited: Option<Instant>,
}

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(1);
/// A watch that stood so long has worked, though nothing happened in it. A try fails sooner: see [`crate::limits`].
const STOOD: Duration = Duration::from_mins(2);

impl Default for WatchBackoff {
    fn default() -> Self {
        Self {
            next: FIRST,
            waited: None,
        }
    }
}

impl WatchBackoff {
    /// Waits, and longer the next time.
    pub(crate) async fn wait(&mut self) {
        let delay = self.delay(Instant::now());
        tokio::time::sleep(delay.mul_f64(1.0 + 0.2 * fastrand::f64())).await;
        self.waited = Some(Instant::now());
    }

    /// Something was heard: the next failure is a first one.
    pub(crate) fn succeeded(&mut self) {
        self.next = FIRST;
    }

    fn delay(&mut self, now: Instant) -> Duration {
        if self
            .waited
            .is_some_and(|waited| now.saturating_duration_since(waited) >= STOOD)
        {
            self.next = FIRST;
        }
        let delay = self.next;
        self.next = (delay * 2).min(LONGEST);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The delays before so many tries of which each fails after `lasts`.
    fn delays(backoff: &mut WatchBackoff, tries: usize, lasts: Duration) -> Vec<f64> {
        let mut now = Instant::now();
        let mut delays = Vec::new();
        for _ in 0..tries {
            let delay = backoff.delay(now);
            delays.push(delay.as_secs_f64());
            now += delay;
            backoff.waited = Some(now);
            now += lasts;
        }
        delays
    }

    #[test]
    fn tries_that_fail_become_rare() {
        let growing = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0];
        let mut backoff = WatchBackoff::default();
        assert_eq!(delays(&mut backoff, 9, Duration::ZERO), growing);
        // An API server that lets each try wait is none that works.
        let mut backoff = WatchBackoff::default();
        let lasts = crate::limits::ANSWER;
        assert_eq!(delays(&mut backoff, 9, lasts), growing);
    }

    #[test]
    fn failures_hours_apart_do_not_add_up() {
        let mut backoff = WatchBackoff::default();
        let lasts = Duration::from_hours(1);
        assert_eq!(delays(&mut backoff, 9, lasts), [0.5; 9]);
    }

    #[test]
    fn an_event_makes_the_next_failure_a_first_one() {
        let mut backoff = WatchBackoff::default();
        delays(&mut backoff, 9, Duration::ZERO);
        backoff.succeeded();
        assert_eq!(delays(&mut backoff, 2, Duration::ZERO), [0.5, 1.0]);
    }
}
