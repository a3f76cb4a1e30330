use crate::Clock;
use crate::Observe;
use crate::run::lock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// The workers of one kind: so many reconciles work at the same time. Those that wait for the world hold none.
pub struct Workers {
    kind: String,
    concurrent: usize,
    free: Arc<Semaphore>,
    observer: Arc<dyn Observe>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: usize,
    /// Since when each busy worker is.
    busy: BTreeMap<u64, Instant>,
    next: u64,
}

/// What the workers of a kind have to do at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Reconciles that want a worker and have none.
    pub waiting: usize,
    pub busy: usize,
    /// How long all busy workers have been so, added up.
    pub unfinished: Duration,
    /// How long the one has been busy that began first.
    pub longest: Duration,
}

impl Workers {
    /// `concurrent` workers for objects of `kind`, one at least.
    pub fn new(kind: &str, concurrent: usize, observer: Arc<dyn Observe>) -> Arc<Self> {
        let concurrent = concurrent.max(1);
        Arc::new(Self {
            kind: kind.to_owned(),
            concurrent,
            free: Arc::new(Semaphore::new(concurrent)),
            observer,
            state: Mutex::default(),
        })
    }

    /// The kind of the objects.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// How many there are.
    pub fn concurrent(&self) -> usize {
        self.concurrent
    }

    pub fn load(&self) -> Load {
        let state = lock(&self.state);
        let now = Clock.instant();
        let busy = state.busy.values().map(|since| now.duration_since(*since));
        Load {
            waiting: state.waiting,
            busy: state.busy.len(),
            unfinished: busy.clone().sum(),
            longest: busy.max().unwrap_or_default(),
        }
    }

    /// Waits for a worker. `None`: the process stops.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Slot> {
        let waiting = Waiting::new(self);
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        let since = Clock.instant();
        self.observer
            .waited(&self.kind, since.duration_since(waiting.since));
        drop(waiting);
        let mut state = lock(&self.state);
        let number = state.next;
        state.next += 1;
        state.busy.insert(number, since);
        drop(state);
        Some(Slot {
            workers: Arc::clone(self),
            number,
            _permit: permit,
        })
    }

    /// Nobody gets a worker any more.
    pub(crate) fn close(&self) {
        self.free.close();
    }

    pub(crate) fn are_idle(&self) -> bool {
        lock(&self.state).busy.is_empty()
    }
}

/// A place among those who want a worker, given up by whoever goes away.
struct Waiting<'a> {
    workers: &'a Workers,
    since: Instant,
}

impl<'a> Waiting<'a> {
    fn new(workers: &'a Workers) -> Self {
        lock(&workers.state).waiting += 1;
        workers.observer.queued(&workers.kind);
        Self {
            workers,
            since: Clock.instant(),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.workers.state).waiting -= 1;
    }
}

/// A worker, given back when this is dropped.
pub(crate) struct Slot {
    workers: Arc<Workers>,
    number: u64,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let since = lock(&self.workers.state).busy.remove(&self.number);
        if let Some(since) = since {
            self.workers
                .observer
                .worked(&self.workers.kind, Clock.elapsed(since));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Load;
    use super::Workers;
    use crate::Ended;
    use crate::Observe;
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::time::Duration;
    use tidegate_kube::Key;

    /// A line for each thing heard.
    #[derive(Default)]
    pub(crate) struct Heard(Mutex<Vec<String>>);

    impl Heard {
        fn hear(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }
    }

    impl Observe for Heard {
        fn workers(&self, workers: &Arc<Workers>) {
            self.hear(format!("{} of {}", workers.concurrent(), workers.kind()));
        }

        fn queued(&self, kind: &str) {
            self.hear(format!("{kind} queued"));
        }

        fn waited(&self, kind: &str, took: Duration) {
            self.hear(format!("{kind} waited {}", took >= MOMENT));
        }

        fn worked(&self, kind: &str, took: Duration) {
            self.hear(format!("{kind} worked {}", took >= MOMENT));
        }

        fn delayed(&self, _: &str) {}

        fn reconciled(&self, _: &str, _: &Key, _: Duration, _: Ended) {}

        fn forgotten(&self, _: &str, _: &Key) {}
    }

    /// Far longer than a task that may go on takes to do so on a busy machine.
    const MOMENT: Duration = Duration::from_millis(500);

    #[tokio::test]
    async fn who_waits_and_who_works_is_known() {
        let heard = Arc::new(Heard::default());
        let workers = Workers::new("Pod", 1, heard.clone());
        assert_eq!(workers.load(), Load::default());
        let first = workers.take().await.unwrap();
        let second = tokio::spawn({
            let workers = Arc::clone(&workers);
            async move { workers.take().await.is_some() }
        });
        let gone = tokio::spawn({
            let workers = Arc::clone(&workers);
            async move { workers.take().await.is_some() }
        });
        tokio::time::sleep(MOMENT).await;
        let load = workers.load();
        assert_eq!((load.waiting, load.busy), (2, 1));
        assert!(load.longest >= MOMENT && load.unfinished == load.longest);

        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        assert_eq!(workers.load().waiting, 1);
        drop(first);
        assert!(second.await.unwrap());
        assert!(workers.are_idle());
        assert_eq!(workers.load(), Load::default());
        let lines = [
            "Pod queued",
            "Pod waited false",
            "Pod queued",
            "Pod queued",
            "Pod worked true",
            "Pod waited true",
            "Pod worked false",
        ];
        assert_eq!(*heard.0.lock().unwrap(), lines);

        workers.close();
        assert!(workers.take().await.is_none());
        assert_eq!(workers.load(), Load::default());
    }
}
