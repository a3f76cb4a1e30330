//! Calls of plugins on behalf of a reconcile: ended when nobody waits for them any more, and without a worker while they
//! wait for a remote source themselves.

use crate::Reconciler;
use crate::kustomization::blocking;
use crate::kustomization::outcome::Failure;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tidegate_flow::Run;
use tidegate_flow::StopOnDrop;
use tidegate_flow::Trigger;
use tidegate_sandbox::Call;
use tidegate_sandbox::CallReport;
use tidegate_values::RemoteError;
use tidegate_values::RemoteSource;
use tidegate_values::Tree;
use tokio::sync::Notify;

/// Reconciles that may wait for remote sources without a worker. The sandbox needs room for them, beside those that
/// have one: [`SandboxConfig::waiting`](tidegate_sandbox::SandboxConfig::waiting).
pub const WITHOUT_WORKER: usize = 12;

impl Reconciler {
    /// Calls a plugin beside the workers, until the object is deleted or the process stops.
    pub(super) async fn call(
        &self,
        run: &Run<Self>,
        call: Call,
        plugin: impl FnOnce(Call) -> CallReport + Send + 'static,
    ) -> Result<CallReport, Failure> {
        let waits = Arc::new(Notify::new());
        let mut report = Box::pin(begin(call, &waits, plugin));
        let is_deleted = |trigger: &Trigger| *trigger == Trigger::Deleted;
        tokio::select! {
            biased;
            _ = run.came(is_deleted) => return Err(Failure::Deleted),
            report = &mut report => return report,
            () = waits.notified() => {}
        }
        if let Ok(permit) = self.without_worker.try_acquire() {
            run.waiting(holding(permit, report), is_deleted)
                .await
                .unwrap_or(Err(Failure::Deleted))
        } else {
            tokio::select! {
                biased;
                _ = run.came(is_deleted) => Err(Failure::Deleted),
                report = report => report,
            }
        }
    }
}

/// `work`, with what it holds. Both go when it is done or given up: who then waits for a worker keeps no other out, and no
/// call running.
async fn holding<T>(held: impl Send, work: impl Future<Output = T>) -> T {
    let done = work.await;
    drop(held);
    done
}

/// Begins a call, which is cancelled when this is dropped. `waits` hears when it asks a remote source for something.
async fn begin(
    mut call: Call,
    waits: &Arc<Notify>,
    plugin: impl FnOnce(Call) -> CallReport + Send + 'static,
) -> Result<CallReport, Failure> {
    let stop = StopOnDrop::default();
    call.cancel = Some(stop.flag());
    call.remote = call.remote.map(|source| {
        let waits = Arc::clone(waits);
        Arc::new(Telling { source, waits }) as _
    });
    blocking(move || plugin(call)).await
}

/// A remote source that tells when it is asked.
struct Telling {
    source: Arc<dyn RemoteSource>,
    waits: Arc<Notify>,
}

impl RemoteSource for Telling {
    fn open(&self, locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        self.waits.notify_one();
        self.source.open(locator)
    }

    fn read(&self, url: &str) -> Result<Bytes, RemoteError> {
        self.waits.notify_one();
        self.source.read(url)
    }

    fn bounded(&self, longest: Duration, stop: &Arc<AtomicBool>) -> Option<Arc<dyn RemoteSource>> {
        let source = self.source.bounded(longest, stop)?;
        let waits = Arc::clone(&self.waits);
        Some(Arc::new(Self { source, waits }))
    }
}

#[cfg(test)]
mod tests {
    use super::begin;
    use super::holding;
    use bytes::Bytes;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;
    use std::sync::mpsc;
    use std::time::Duration;
    use std::time::Instant;
    use tidegate_sandbox::Call;
    use tidegate_sandbox::CallReport;
    use tidegate_values::RemoteError;
    use tidegate_values::RemoteSource;
    use tidegate_values::Tree;
    use tokio::sync::Notify;
    use tokio::sync::Semaphore;

    const LONG: Duration = Duration::from_secs(30);

    /// Answers when it is told to stop.
    struct Stalled(Arc<AtomicBool>);

    impl RemoteSource for Stalled {
        fn open(&self, locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
            self.read(locator)?;
            Err(RemoteError::Denied)
        }

        fn read(&self, _: &str) -> Result<Bytes, RemoteError> {
            let began = Instant::now();
            while !self.0.load(Ordering::SeqCst) && began.elapsed() < LONG {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(RemoteError::Unavailable("stopped".to_owned()))
        }

        fn bounded(&self, _: Duration, stop: &Arc<AtomicBool>) -> Option<Arc<dyn RemoteSource>> {
            Some(Arc::new(Self(Arc::clone(stop))))
        }
    }

    /// A plugin that wants a remote file, until it is cancelled; tells whether it was.
    fn plugin(ended: mpsc::Sender<bool>) -> impl FnOnce(Call) -> CallReport + Send + 'static {
        move |call| {
            let cancel = call.cancel.expect("a flag");
            let remote = call.remote.expect("a source");
            let bounded = remote.bounded(LONG, &cancel).expect("it knows bounds");
            bounded.read("https://host.example/file").unwrap_err();
            ended.send(cancel.load(Ordering::SeqCst)).unwrap();
            panic!("nobody waits for it");
        }
    }

    #[tokio::test]
    async fn a_call_ends_with_the_wait_for_it() {
        let (ended, is_ended) = mpsc::channel();
        let waits = Arc::new(Notify::new());
        let call = Call {
            remote: Some(Arc::new(Stalled(Arc::default()))),
            ..Call::default()
        };
        tokio::select! {
            _ = begin(call, &waits, plugin(ended)) => panic!("it ended by itself"),
            () = waits.notified() => {}
        }
        assert_eq!(is_ended.recv_timeout(LONG / 2), Ok(true));
    }

    #[tokio::test]
    async fn what_is_held_goes_with_the_work() {
        let room = Semaphore::new(1);
        // Done, and still there.
        let mut done = Box::pin(holding(room.try_acquire().unwrap(), async {
            room.available_permits()
        }));
        assert_eq!((&mut done).await, 0);
        assert_eq!(room.available_permits(), 1);

        // Given up: the call ends with it.
        let (ended, is_ended) = mpsc::channel();
        let waits = Arc::new(Notify::new());
        let call = Call {
            remote: Some(Arc::new(Stalled(Arc::default()))),
            ..Call::default()
        };
        let mut report = Box::pin(begin(call, &waits, plugin(ended)));
        tokio::select! {
            _ = &mut report => panic!("it ended by itself"),
            () = waits.notified() => {}
        }
        drop(holding(room.try_acquire().unwrap(), report));
        assert_eq!(room.available_permits(), 1);
        assert_eq!(is_ended.recv_timeout(LONG / 2), Ok(true));
    }
}
