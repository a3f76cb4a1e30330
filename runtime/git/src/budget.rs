use crate::error::Failure;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// How often a waiting operation looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the network side of every operation; their callers block.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("git-network")
        .enable_all()
        .build()
        .expect("a process that can't start two threads can't run at all")
});

/// The time an operation has, and the flag that cancels it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget {
    deadline: Instant,
    stop: Arc<AtomicBool>,
}

impl Budget {
    /// From now on.
    pub fn new(timeout: Duration) -> Self {
        Self::with_stop(timeout, Arc::default())
    }

    /// From now on, or until somebody sets `stop`.
    pub fn with_stop(timeout: Duration, stop: Arc<AtomicBool>) -> Self {
        Self {
            deadline: Instant::now() + timeout,
            stop,
        }
    }

    /// Fails once the time is over or the operation was cancelled.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        if Instant::now() >= self.deadline {
            Err(Failure::Timeout)
        } else {
            Ok(())
        }
    }

    /// Blocks on `future`, for as long as the budget lasts. Not to be called on a thread that drives async code.
    pub(crate) fn run<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        self.check()?;
        RUNTIME.block_on(async {
            tokio::select! {
                output = future => Ok(output),
                failure = self.end() => Err(failure),
            }
        })
    }

    /// Runs in the background, beyond the end of any operation: for connections that are kept.
    pub(crate) fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        RUNTIME.spawn(future)
    }

    /// A flag for code that can only be interrupted by one: set when the budget ends.
    pub(crate) fn interrupt(&self) -> Interrupt {
        let flag = Arc::new(AtomicBool::new(false));
        let (budget, end) = (self.clone(), flag.clone());
        let watch = Self::spawn(async move {
            budget.end().await;
            end.store(true, Ordering::Relaxed);
        });
        Interrupt { flag, watch }
    }

    async fn end(&self) -> Failure {
        loop {
            if let Err(failure) = self.check() {
                return failure;
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}

/// See [`Budget::interrupt`]. Stops watching when dropped.
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    watch: tokio::task::JoinHandle<()>,
}

impl Interrupt {
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.flag
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
