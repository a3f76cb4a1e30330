use std::time::Duration;

/// When an object is looked at again, if nothing triggers it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Now,
    /// After the object's interval, shortened or lengthened at random so that objects spread out. Zero is `Never`.
    Interval(Duration),
    /// After exactly this long. Zero is `Never`.
    After(Duration),
    /// After a delay that doubles with each failure in a row.
    Retry,
    /// Only when something triggers it.
    Never,
}

/// Delays between tries: `--min-retry-delay` to `--max-retry-delay`, doubling
/// (controller-runtime's rate limiter as Flux sets it).
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub min: Duration,
    pub max: Duration,
    /// How far an interval may be off, in percent of it (`--interval-jitter-percentage`).
    pub jitter_percentage: u8,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(750),
            max: Duration::from_mins(15),
            jitter_percentage: 5,
        }
    }
}

impl Backoff {
    /// The delay before the next look, after `failures` failures in a row. `None`: no look by itself.
    pub fn delay(&self, next: Next, failures: u32) -> Option<Duration> {
        match next {
            Next::Now => Some(Duration::ZERO),
            // As controller-runtime takes a `RequeueAfter` of zero (`pkg/internal/controller/controller.go`,
            // `reconcileHandler`): with `interval: 0s` an object is looked at when something triggers it.
            Next::After(Duration::ZERO) | Next::Interval(Duration::ZERO) | Next::Never => None,
            Next::After(delay) => Some(delay),
            Next::Interval(interval) => Some(self.jitter(interval, fastrand::f64())),
            Next::Retry => {
                let doubled = self.min.saturating_mul(
                    1u32.checked_shl(failures.saturating_sub(1))
                        .unwrap_or(u32::MAX),
                );
                Some(self.jitter(doubled.min(self.max), fastrand::f64()))
            }
        }
    }

    /// `at` is between 0 and 1: 0 gives the shortest delay, 1 the longest.
    fn jitter(&self, interval: Duration, at: f64) -> Duration {
        let share = f64::from(self.jitter_percentage.min(99)) / 100.0;
        interval.mul_f64(1.0 + share * (2.0 * at - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use super::Next;
    use std::time::Duration;

    #[test]
    fn retries_double_up_to_the_longest() {
        let backoff = Backoff {
            jitter_percentage: 0,
            ..Backoff::default()
        };
        let delay = |failures| backoff.delay(Next::Retry, failures).unwrap().as_millis();
        assert_eq!([delay(1), delay(2), delay(3)], [750, 1500, 3000]);
        assert_eq!(delay(40), 900_000);
    }

    #[test]
    fn intervals_stay_within_the_jitter() {
        let backoff = Backoff {
            jitter_percentage: 10,
            ..Backoff::default()
        };
        let minute = Duration::from_mins(1);
        assert_eq!(backoff.jitter(minute, 0.0), Duration::from_secs(54));
        assert_eq!(backoff.jitter(minute, 1.0), Duration::from_secs(66));
    }

    #[test]
    fn no_interval_is_no_look_by_itself() {
        let backoff = Backoff::default();
        for next in [Next::Interval(Duration::ZERO), Next::After(Duration::ZERO)] {
            assert_eq!(backoff.delay(next, 0), None, "{next:?}");
        }
        assert_eq!(backoff.delay(Next::Now, 0), Some(Duration::ZERO));
        let short = Duration::from_millis(1);
        assert_eq!(backoff.delay(Next::After(short), 0), Some(short));
        assert!(backoff.delay(Next::Interval(short), 0).is_some());
    }
}
