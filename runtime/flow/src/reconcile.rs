use crate::Kind;
use crate::Next;
use crate::Report;
use crate::Run;
use crate::Workers;
use kube::ResourceExt as _;
use std::sync::Arc;
use std::time::Duration;
use tidegate_kube::Key;

/// Hears of everything that is worked on: metrics.
pub trait Observe: Send + Sync + 'static {
    /// A kind begins to be worked on.
    fn workers(&self, workers: &Arc<Workers>);
    /// A reconcile wants a worker.
    fn queued(&self, kind: &str);
    /// It got one after so long.
    fn waited(&self, kind: &str, took: Duration);
    /// It gave its worker back after so long: it is over, or waits for the world.
    fn worked(&self, kind: &str, took: Duration);
    /// An object is to be looked at again, and not at once.
    fn delayed(&self, kind: &str);
    /// A reconcile is over; `took` has the times in which it waited.
    fn reconciled(&self, kind: &str, key: &Key, took: Duration, ended: Ended);
    /// An object is no more.
    fn forgotten(&self, kind: &str, key: &Key);
}

/// How a reconcile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub next: Next,
    pub failed: bool,
    pub panicked: bool,
}

/// One reconcile, from the object to what was written of it. Tells when to look again, and whether it failed.
pub(crate) async fn reconcile<K: Kind>(kind: &K, run: &Run<K>) -> (Next, bool) {
    tokio::select! {
        biased;
        done = steps(kind, run) => done,
        never = run.write_progress() => match never {},
    }
}

async fn steps<K: Kind>(kind: &K, run: &Run<K>) -> (Next, bool) {
    let started = run.clock.instant();
    let object = run.object();
    let inputs = kind.resolve(&object, run).await;
    let outcome = match kind.plan(&object, &inputs, run.clock.now()) {
        Ok(plan) => kind.act(&object, &inputs, plan, run).await,
        Err(hold) => hold,
    };
    let report = kind.report(
        &object,
        &inputs,
        &outcome,
        run.clock.now(),
        run.clock.elapsed(started),
    );
    commit(run, report).await
}

/// Writes status, finalizers and events. Exists once.
async fn commit<K: Kind>(run: &Run<K>, report: Report) -> (Next, bool) {
    run.progress.send_replace(None);
    if let Some(error) = &report.error {
        // controller-runtime: `pkg/internal/controller/controller.go`, `reconcileHandler`.
        tracing::error!(error, "Reconciler error");
    }
    let now = run.clock.now();
    let object = run.object();
    for event in report.events {
        run.announcer.announce::<K>(&object, event, now);
    }
    match run.write(&report.status).await {
        Ok(true) => {}
        Ok(false) => return (Next::Never, false),
        Err(error) => {
            tracing::error!(%error, "failed to update status");
            return (Next::Retry, true);
        }
    }
    if let Some(finalizer) = report.finalizer {
        let object = run.object();
        let finalizers = finalizer.change(object.finalizers());
        if finalizers != object.finalizers() {
            match run.committer.finalizers(&object, &finalizers).await {
                Ok(Some(new)) => *crate::run::lock(&run.current) = new,
                Ok(None) => return (Next::Never, false),
                // The committer has told of it.
                Err(_) => return (Next::Retry, true),
            }
        }
    }
    (report.next, report.error.is_some())
}
