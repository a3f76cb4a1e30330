#[cfg(test)]
mod tests;

use crate::Announcer;
use crate::Backoff;
use crate::Clock;
use crate::Ended;
use crate::Kind;
use crate::Next;
use crate::Observe;
use crate::Run;
use crate::Setup;
use crate::Trigger;
use crate::Workers;
use crate::interrupts::Interrupts;
use crate::reconcile::reconcile;
use crate::run::Written;
use crate::workers::Slot;
use kube::Resource as _;
use kube::ResourceExt as _;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tidegate_api::meta::annotation::RECONCILE_REQUESTED_AT;
use tidegate_kube::Change;
use tidegate_kube::Committer;
use tidegate_kube::Key;
use tidegate_kube::Watched;
use tokio::sync::broadcast;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument as _;

/// How the objects of a kind are worked on.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `--concurrent`: reconciles that work at the same time. Those that wait do not count.
    pub concurrent: usize,
    pub backoff: Backoff,
}

/// The queue of one kind. Clones speak to the same queue.
pub struct Flow<K: Kind> {
    triggers: mpsc::UnboundedSender<(Key, Trigger)>,
    /// Until it runs, nobody takes triggers, maybe for weeks: a process that does not lead.
    runs: Arc<AtomicBool>,
    watched: Arc<Watched<K::Object>>,
}

impl<K: Kind> Clone for Flow<K> {
    fn clone(&self) -> Self {
        Self {
            triggers: self.triggers.clone(),
            runs: Arc::clone(&self.runs),
            watched: Arc::clone(&self.watched),
        }
    }
}

/// What the queue runs with.
struct Worker<K: Kind> {
    kind: Arc<K>,
    watched: Arc<Watched<K::Object>>,
    committer: Arc<Committer<K::Object>>,
    announcer: Announcer,
    observer: Arc<dyn Observe>,
    workers: Arc<Workers>,
    backoff: Backoff,
}

#[derive(Default)]
struct Entry {
    /// When it is looked at, if it is not being looked at now.
    due: Option<Instant>,
    /// There while it is worked on, or is in line for a worker: what came since its object was read.
    running: Option<Arc<watch::Sender<Interrupts>>>,
    failures: u32,
}

impl<K: Kind> Flow<K> {
    /// A queue for the objects of `watched`. A [`Controller`](crate::Controller) sets it going.
    pub fn new(watched: Arc<Watched<K::Object>>) -> (Self, Pending) {
        let (triggers, pending) = mpsc::unbounded_channel();
        let flow = Self {
            triggers,
            runs: Arc::default(),
            watched,
        };
        (flow, Pending(pending))
    }

    /// Has an object looked at. Nothing is kept of it before the queue runs: the first look at every object is yet to come.
    pub fn trigger(&self, key: Key, trigger: Trigger) {
        if !self.runs.load(Ordering::SeqCst) {
            return;
        }
        // Fails only when the process is going down.
        let _ = self.triggers.send((key, trigger));
    }

    /// The objects of the queue.
    pub(crate) fn watched(&self) -> Arc<Watched<K::Object>> {
        Arc::clone(&self.watched)
    }

    /// Runs until told to stop, then lets reconciles under way end.
    pub(crate) async fn run(self, pending: Pending, kind: Arc<K>, setup: Setup) {
        let Setup {
            client,
            announcer,
            observer,
            options,
            mut stop,
            grace,
        } = setup;
        let Pending(mut pending) = pending;
        let manager = format!("gotk-{}", K::CONTROLLER);
        let kind_name = K::Object::kind(&()).into_owned();
        let workers = Workers::new(&kind_name, options.concurrent, Arc::clone(&observer));
        observer.workers(&workers);
        let worker = Worker {
            kind,
            committer: Arc::new(Committer::new(client, manager, Arc::clone(&self.watched))),
            watched: Arc::clone(&self.watched),
            announcer,
            observer,
            workers,
            backoff: options.backoff,
        };
        let mut changes = self.watched.subscribe();
        tokio::select! {
            () = self.watched.wait_until_synced() => {}
            // Nothing was begun.
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let mut queue = Queue::default();
        self.runs.store(true, Ordering::SeqCst);
        for object in self.watched.all() {
            queue.push(&Key::of(&*object), Trigger::Due);
        }
        let mut running = JoinSet::new();
        loop {
            for (key, interrupts) in queue.take_due() {
                worker.start(&mut running, key, interrupts);
            }
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(done) = running.join_next() => {
                    if let Ok((key, next, failed)) = done {
                        let exists = self.watched.get(&key).is_some();
                        if queue.finish(&key, next, failed, exists, &worker.backoff) {
                            worker.observer.delayed(&kind_name);
                        }
                        if !exists {
                            worker.observer.forgotten(&kind_name, &key);
                        }
                    }
                }
                change = changes.recv() => match change {
                    Ok(change) => {
                        if let Some(trigger) = trigger_of::<K>(&change) {
                            queue.push(&change.key, trigger);
                        } else if change.new.is_none() {
                            queue.forget(&change.key);
                            worker.observer.forgotten(&kind_name, &change.key);
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        for object in self.watched.all() {
                            queue.push(&Key::of(&*object), Trigger::Due);
                        }
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                Some((key, trigger)) = pending.recv() => {
                    if self.watched.get(&key).is_some() {
                        queue.push(&key, trigger);
                    }
                }
                () = queue.wait_until_due() => {}
            }
        }
        // Nobody begins any more; who waits holds no worker, and begins anew after the next start.
        worker.workers.close();
        let busy = async {
            while !worker.workers.are_idle() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(grace, busy).await;
        running.abort_all();
    }
}

/// The receiving end of a queue's triggers.
pub struct Pending(mpsc::UnboundedReceiver<(Key, Trigger)>);

/// What a change of an object's own state calls for: nothing, where only its status changed.
fn trigger_of<K: Kind>(change: &Change<K::Object>) -> Option<Trigger> {
    let new = change.new.as_ref()?;
    let Some(old) = &change.old else {
        return Some(Trigger::Due);
    };
    let requested = |object: &K::Object| object.annotations().get(RECONCILE_REQUESTED_AT).cloned();
    if old.meta().uid != new.meta().uid {
        Some(Trigger::Spec)
    } else if old.meta().deletion_timestamp.is_none() && new.meta().deletion_timestamp.is_some() {
        Some(Trigger::Deleted)
    } else if old.meta().generation != new.meta().generation {
        Some(Trigger::Spec)
    } else if requested(new).is_some() && requested(old) != requested(new) {
        // Taking a request away asks for nothing (fluxcd/pkg, `runtime/predicates`, `ReconcileRequestedPredicate`).
        Some(Trigger::Requested)
    } else {
        None
    }
}

impl<K: Kind> Worker<K> {
    fn start(
        &self,
        running: &mut JoinSet<(Key, Next, bool)>,
        key: Key,
        interrupts: Arc<watch::Sender<Interrupts>>,
    ) {
        let kind = Arc::clone(&self.kind);
        let watched = Arc::clone(&self.watched);
        let committer = Arc::clone(&self.committer);
        let announcer = self.announcer.clone();
        let observer = Arc::clone(&self.observer);
        let workers = Arc::clone(&self.workers);
        let kind_name = K::Object::kind(&()).into_owned();
        // controller-runtime: `pkg/builder/controller.go`, `doController`, and `pkg/internal/controller/controller.go`,
        // `reconcileHandler`. `flux logs` reads these.
        let span = tracing::info_span!(
            "reconcile",
            controller = kind_name.to_lowercase(),
            controllerGroup = &*K::Object::group(&()),
            controllerKind = kind_name,
            namespace = key.namespace,
            name = key.name,
            reconcileID = random_id()
        );
        let work = async move {
            let read = || watched.get(&key);
            let Some((slot, object)) = begin(&workers, &interrupts, read).await else {
                return (key, Next::Never, false);
            };
            let clock = Clock;
            let started = clock.instant();
            let run = Run {
                clock,
                written: Mutex::new(Written::new(K::status(&object))),
                writing: tokio::sync::Mutex::new(()),
                current: Mutex::new(object),
                committer,
                announcer,
                workers,
                slot: Mutex::new(Some(slot)),
                taking: tokio::sync::Mutex::new(()),
                interrupts: Arc::clone(&interrupts),
                progress: watch::channel(None).0,
            };
            // A panic is ours to mend, and must not take other objects along.
            let outcome = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(
                reconcile(&*kind, &run),
            ))
            .await;
            let panicked = outcome.is_err();
            let (next, failed) = outcome.unwrap_or_else(|_| {
                tracing::error!("reconcile panicked, trying again");
                (Next::Retry, true)
            });
            let ended = Ended {
                next,
                failed,
                panicked,
            };
            observer.reconciled(&kind_name, &key, clock.elapsed(started), ended);
            (key, next, failed)
        };
        running.spawn(work.instrument(span));
    }
}

/// A random UUID (RFC 9562, version 4).
fn random_id() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

/// Waits for a worker, then reads the object. `None`: the process stops, or the object is gone.
///
/// What triggered it until then is part of what is read, and no news to the reconcile. What comes while it is read is
/// kept: it may be read already and then costs one reconcile more, but is never lost.
async fn begin<O>(
    workers: &Arc<Workers>,
    interrupts: &watch::Sender<Interrupts>,
    read: impl FnOnce() -> Option<O>,
) -> Option<(Slot, O)> {
    let slot = workers.take().await?;
    interrupts.send_modify(Interrupts::clear);
    Some((slot, read()?))
}

/// Which objects wait for what. Knows no object.
#[derive(Default)]
struct Queue {
    entries: BTreeMap<Key, Entry>,
    due: BTreeSet<(Instant, Key)>,
}

impl Queue {
    fn push(&mut self, key: &Key, trigger: Trigger) {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some(interrupts) = &entry.running {
            interrupts.send_if_modified(|known| known.add(trigger));
        } else {
            self.set_due(key, Some(Clock.instant()));
        }
    }

    fn forget(&mut self, key: &Key) {
        self.set_due(key, None);
        if self
            .entries
            .get(key)
            .is_some_and(|entry| entry.running.is_none())
        {
            self.entries.remove(key);
        }
    }

    /// Notes that a reconcile is over. Is the object looked at again by itself, and not at once?
    fn finish(
        &mut self,
        key: &Key,
        next: Next,
        failed: bool,
        exists: bool,
        backoff: &Backoff,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        let running = entry.running.take();
        let again = running.is_some_and(|interrupts| !interrupts.borrow().is_empty());
        entry.failures = if failed && next == Next::Retry {
            entry.failures + 1
        } else {
            0
        };
        let failures = entry.failures;
        if !exists {
            self.forget(key);
            return false;
        }
        let delay = if again {
            Some(Duration::ZERO)
        } else {
            backoff.delay(next, failures)
        };
        self.set_due(key, delay.map(|delay| Clock.instant() + delay));
        delay.is_some_and(|delay| !delay.is_zero())
    }

    fn take_due(&mut self) -> Vec<(Key, Arc<watch::Sender<Interrupts>>)> {
        let now = Clock.instant();
        let mut taken = Vec::new();
        while let Some((at, key)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            self.set_due(&key, None);
            if let Some(entry) = self.entries.get_mut(&key) {
                let interrupts = Arc::new(watch::Sender::new(Interrupts::default()));
                entry.running = Some(Arc::clone(&interrupts));
                taken.push((key, interrupts));
            }
        }
        taken
    }

    async fn wait_until_due(&self) {
        match self.due.first() {
            Some((at, _)) => tokio::time::sleep_until((*at).into()).await,
            None => std::future::pending().await,
        }
    }

    fn set_due(&mut self, key: &Key, at: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some(before) = entry.due.take() {
            self.due.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            entry.due = Some(at);
            self.due.insert((at, key.clone()));
        }
    }
}
