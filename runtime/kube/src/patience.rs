use std::time::Duration;

/// The delays between tries to watch: doubling, until a list succeeds.
///
/// kube's own back-off begins anew whenever its watcher begins a list, so that a kind that is not installed would be
/// asked for several times a second, for ever.
pub(crate) struct Patience(Duration);

const LONGEST: Duration = Duration::from_mins(1);

impl Default for Patience {
    fn default() -> Self {
        Self(Duration::from_millis(500))
    }
}

impl Patience {
    /// Waits, and longer the next time.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.0.mul_f64(1.0 + 0.2 * fastrand::f64())).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}
