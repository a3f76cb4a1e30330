use crate::Kind;
use crate::Next;
use crate::Report;
use crate::Run;
use kube::ResourceExt as _;
use std::time::Duration;
use tidegate_kube::Key;

/// Hears of every reconcile: metrics.
pub trait Observe: Send + Sync + 'static {
    fn reconciled(&self, kind: &str, key: &Key, took: Duration, failed: bool);
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
        tracing::error!(error, "{error}");
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
    if let Some(finalizers) = report.finalizers {
        let object = run.object();
        if finalizers != object.finalizers() {
            match run.committer.finalizers(&object, &finalizers).await {
                Ok(Some(new)) => *crate::run::lock(&run.current) = new,
                Ok(None) => return (Next::Never, false),
                Err(error) => {
                    tracing::debug!(%error, "failed to update finalizers");
                    return (Next::Retry, true);
                }
            }
        }
    }
    (report.next, report.error.is_some())
}
