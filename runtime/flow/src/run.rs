use crate::Announcer;
use crate::Clock;
use crate::Kind;
use crate::Workers;
use crate::interrupts::Interrupts;
use crate::workers::Slot;
use jiff::Timestamp;
use serde_json::Value;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tidegate_kube::Committer;
use tidegate_kube::merge_patch;
use tidegate_values::Event;
use tidegate_values::ObjectRef;
use tokio::sync::watch;

/// Why an object is looked at. What a reconcile does never depends on it; what it waits for may be given up for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// It is new to us, its time has come, or the last try failed.
    Due,
    /// Its spec changed.
    Spec,
    /// Somebody asked, by annotation.
    Requested,
    /// It is being deleted.
    Deleted,
    /// Something that it refers to changed.
    Reference(ObjectRef),
    /// Something that it manages moved.
    Moved,
}

/// A wait was given up because of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted(pub Trigger);

/// How long a step must last before its progress is written: quick steps cost no patch.
const TELL_PROGRESS_AFTER: Duration = Duration::from_millis(500);

/// How long a wait must last before its worker is given back: who gives one back goes to the end of the queue.
const KEEP_WORKER_FOR: Duration = Duration::from_millis(500);

/// One reconcile under way: its worker slot, its progress, and what would interrupt it.
pub struct Run<K: Kind> {
    pub clock: Clock,
    pub(crate) current: Mutex<Arc<K::Object>>,
    pub(crate) written: Mutex<Written>,
    /// Held by the one write that is on its way.
    pub(crate) writing: tokio::sync::Mutex<()>,
    pub(crate) committer: Arc<Committer<K::Object>>,
    pub(crate) announcer: Announcer,
    pub(crate) workers: Arc<Workers>,
    pub(crate) slot: Mutex<Option<Slot>>,
    /// Held by the one part that takes a worker again.
    pub(crate) taking: tokio::sync::Mutex<()>,
    pub(crate) interrupts: Arc<watch::Sender<Interrupts>>,
    pub(crate) progress: watch::Sender<Option<Value>>,
}

impl<K: Kind> Run<K> {
    /// Tells what is being done. Written when the step lasts over half a second, or another is told by then.
    pub fn progress(&self, status: Value) {
        self.progress.send_replace(Some(status));
    }

    /// Writes a status now: what must not be lost if the process dies in the next step.
    /// `Ok(false)`: the object is gone.
    pub async fn checkpoint(&self, status: &Value) -> Result<bool, kube::Error> {
        self.progress.send_replace(None);
        self.write(status).await
    }

    /// Sends an event at once, for what people should hear of before the reconcile is over.
    pub fn announce(&self, event: Event, at: Timestamp) {
        let object = self.object();
        self.announcer.announce::<K>(&object, event, at);
    }

    /// Waits for `work` without holding a worker, and gives up for a trigger that `ends` says is worth it.
    ///
    /// `work` is dropped before a worker is waited for, which may take long: what it owns goes with it.
    pub async fn waiting<T>(
        &self,
        work: impl Future<Output = T>,
        ends: impl Fn(&Trigger) -> bool,
    ) -> Result<T, Interrupted> {
        drop(take(&self.slot));
        let result = tokio::select! {
            biased;
            trigger = self.came(ends) => Err(Interrupted(trigger)),
            done = work => Ok(done),
        };
        self.take_worker().await;
        result
    }

    /// Waits until a trigger that `is` wanted came since the object was read, and was not taken up.
    pub async fn came(&self, is: impl Fn(&Trigger) -> bool) -> Trigger {
        let mut interrupts = self.interrupts.subscribe();
        loop {
            let wanted = interrupts.borrow_and_update().first(&is).cloned();
            if let Some(trigger) = wanted {
                return trigger;
            }
            if interrupts.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Whether such a trigger came.
    pub fn has_come(&self, is: impl Fn(&Trigger) -> bool) -> bool {
        self.interrupts.borrow().first(is).is_some()
    }

    /// This reconcile deals with what a trigger is about, from now on: it ends no wait, and asks for no reconcile, unless
    /// it comes again.
    pub fn take_up(&self, trigger: &Trigger) {
        self.interrupts
            .send_modify(|interrupts| interrupts.remove(trigger));
    }

    /// Waits for `work` to its end, and holds no worker when that lasts over half a second. Parts of a reconcile may
    /// do so at the same time: the first that is done takes a worker again, for all of them.
    pub async fn waiting_out<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(KEEP_WORKER_FOR, &mut work).await {
            return done;
        }
        drop(take(&self.slot));
        let done = work.await;
        self.take_worker().await;
        done
    }

    async fn take_worker(&self) {
        // One part at a time: those of one reconcile that each held a worker, or wanted one, would wait for each other.
        let _alone = self.taking.lock().await;
        if lock(&self.slot).is_some() {
            return;
        }
        match self.workers.take().await {
            Some(slot) => *lock(&self.slot) = Some(slot),
            // The process stops: this reconcile is begun anew after the next start.
            None => std::future::pending().await,
        }
    }

    /// The object as last written or read.
    pub fn object(&self) -> Arc<K::Object> {
        Arc::clone(&lock(&self.current))
    }

    /// Waits for the progress that is being written: the API server may do what is sent at the same time in any order,
    /// and the older status would stay.
    pub(crate) async fn write(&self, status: &Value) -> Result<bool, kube::Error> {
        let _alone = self.writing.lock().await;
        self.send(status).await
    }

    async fn send(&self, status: &Value) -> Result<bool, kube::Error> {
        let Some(patch) = lock(&self.written).patch_to(status) else {
            return Ok(true);
        };
        let object = self.object();
        lock(&self.written).under_way = Some(status.clone());
        let answer = self.committer.status(&object, patch).await?;
        *lock(&self.written) = Written::new(status.clone());
        let Some(new) = answer else {
            return Ok(false);
        };
        *lock(&self.current) = new;
        Ok(true)
    }

    /// Writes told progress when its step lasts. Runs beside the reconcile and is dropped with it.
    pub(crate) async fn write_progress(&self) -> Infallible {
        let mut told = self.progress.subscribe();
        loop {
            let status = told.borrow_and_update().clone();
            let Some(status) = status else {
                if told.changed().await.is_err() {
                    return std::future::pending().await;
                }
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep(TELL_PROGRESS_AFTER) => {
                    let alone = self.writing.lock().await;
                    // What was told since then, or the end of the reconcile, makes this one old.
                    if !told.has_changed().unwrap_or(true)
                        && let Err(error) = self.send(&status).await
                    {
                        tracing::debug!(%error, "failed to write progress");
                    }
                    drop(alone);
                    if told.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                }
                _ = told.changed() => {}
            }
        }
    }
}

/// The status as the API server has it, as far as we know.
pub(crate) struct Written {
    known: Value,
    /// A write whose answer never came, because its step ended first: it may have arrived or not.
    under_way: Option<Value>,
}

impl Written {
    pub(crate) fn new(known: Value) -> Self {
        Self {
            known,
            under_way: None,
        }
    }

    /// What must be sent so that the status becomes `status`, whatever became of a write under way.
    fn patch_to(&self, status: &Value) -> Option<Value> {
        let Some(under_way) = &self.under_way else {
            return merge_patch(&self.known, status);
        };
        let mut patch = merge_patch(&self.known, status).unwrap_or_else(|| status.clone());
        if let (Some(patch), Some(Value::Object(more))) =
            (patch.as_object_mut(), merge_patch(under_way, status))
        {
            patch.extend(more);
        }
        Some(patch)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take(slot: &Mutex<Option<Slot>>) -> Option<Slot> {
    lock(slot).take()
}

#[cfg(test)]
mod tests {
    use super::Written;
    use serde_json::json;

    #[test]
    fn a_write_of_unknown_fate_is_written_over() {
        let mut written = Written::new(json!({"ready": true}));
        assert_eq!(written.patch_to(&json!({"ready": true})), None);
        written.under_way = Some(json!({"ready": false, "step": 1}));
        assert_eq!(
            written.patch_to(&json!({"ready": true})),
            Some(json!({"ready": true, "step": null}))
        );
    }
}
