//! Reconciles and the queues before them: Flux's own metric and those of controller-runtime
//! (`pkg/internal/controller/metrics`, `pkg/internal/metrics/workqueue.go`).

use super::Histograms;
use super::histograms;
use super::registered;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::histogram::exponential_buckets;
use prometheus_client::metrics::histogram::exponential_buckets_range;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tidegate_flow::Ended;
use tidegate_flow::Next;
use tidegate_flow::Observe;
use tidegate_flow::Workers;
use tidegate_kube::Key;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Object {
    kind: String,
    name: String,
    namespace: String,
}

impl Object {
    fn new(kind: &str, key: &Key) -> Self {
        Self {
            kind: kind.to_owned(),
            name: key.name.clone(),
            namespace: key.namespace.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: String,
}

/// controller-runtime names a queue after its controller, and the controller after its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queue {
    controller: String,
    name: String,
}

/// A queue has one priority: that of changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Depth {
    controller: String,
    name: String,
    priority: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    controller: String,
    result: &'static str,
}

fn controller(kind: &str) -> Controller {
    Controller {
        controller: kind.to_lowercase(),
    }
}

fn queue(kind: &str) -> Queue {
    let controller = kind.to_lowercase();
    Queue {
        name: controller.clone(),
        controller,
    }
}

const ERROR: &str = "error";
const REQUEUE_AFTER: &str = "requeue_after";
const REQUEUE: &str = "requeue";
const SUCCESS: &str = "success";

/// What controller-runtime would call it (`pkg/internal/controller/controller.go`, `reconcileHandler`): Flux's
/// controllers hand an error over only to be tried again with back-off, or never.
fn result(ended: Ended) -> &'static str {
    match ended.next {
        Next::Retry | Next::Never if ended.failed => ERROR,
        Next::Interval(Duration::ZERO) | Next::After(Duration::ZERO) | Next::Never => SUCCESS,
        Next::Interval(_) | Next::After(_) => REQUEUE_AFTER,
        Next::Now | Next::Retry => REQUEUE,
    }
}

type Counters = Family<Controller, Counter>;
type Seconds = Gauge<f64, AtomicU64>;

pub(crate) struct Controllers {
    /// `gotk_reconcile_duration_seconds`
    durations: Histograms<Object>,
    reconciles: Family<Outcome, Counter>,
    errors: Counters,
    terminal_errors: Counters,
    panics: Counters,
    times: Histograms<Controller>,
    concurrent: Family<Controller, Gauge>,
    active: Family<Controller, Gauge>,
    depth: Family<Depth, Gauge>,
    adds: Family<Queue, Counter>,
    waits: Histograms<Queue>,
    works: Histograms<Queue>,
    unfinished: Family<Queue, Seconds>,
    longest: Family<Queue, Seconds>,
    retries: Family<Queue, Counter>,
    /// Whose load is looked at.
    workers: Mutex<Vec<Arc<Workers>>>,
}

/// fluxcd/pkg, `runtime/metrics/recorder.go`: ten buckets from 10 ms to half an hour.
fn object_buckets() -> Histogram {
    Histogram::new(exponential_buckets_range(10e-3, 1800.0, 10))
}

fn reconcile_buckets() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8,
        0.9, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0,
        15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0,
    ])
}

fn queue_buckets() -> Histogram {
    Histogram::new(exponential_buckets(10e-9, 10.0, 12))
}

impl Controllers {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let r = registry;
        Self {
            durations: histograms(
                r,
                "gotk_reconcile_duration_seconds",
                "The duration in seconds of a GitOps Toolkit resource reconciliation",
                object_buckets,
            ),
            reconciles: registered(
                r,
                "controller_runtime_reconcile",
                "Total number of reconciliations per controller",
                Family::default(),
            ),
            errors: registered(
                r,
                "controller_runtime_reconcile_errors",
                "Total number of reconciliation errors per controller",
                Family::default(),
            ),
            terminal_errors: registered(
                r,
                "controller_runtime_terminal_reconcile_errors",
                "Total number of terminal reconciliation errors per controller",
                Family::default(),
            ),
            panics: registered(
                r,
                "controller_runtime_reconcile_panics",
                "Total number of reconciliation panics per controller",
                Family::default(),
            ),
            times: histograms(
                r,
                "controller_runtime_reconcile_time_seconds",
                "Length of time per reconciliation per controller",
                reconcile_buckets,
            ),
            concurrent: registered(
                r,
                "controller_runtime_max_concurrent_reconciles",
                "Maximum number of concurrent reconciles per controller",
                Family::default(),
            ),
            active: registered(
                r,
                "controller_runtime_active_workers",
                "Number of currently used workers per controller",
                Family::default(),
            ),
            depth: registered(
                r,
                "workqueue_depth",
                "Current depth of workqueue by workqueue and priority",
                Family::default(),
            ),
            adds: registered(
                r,
                "workqueue_adds",
                "Total number of adds handled by workqueue",
                Family::default(),
            ),
            waits: histograms(
                r,
                "workqueue_queue_duration_seconds",
                "How long in seconds an item stays in workqueue before being requested",
                queue_buckets,
            ),
            works: histograms(
                r,
                "workqueue_work_duration_seconds",
                "How long in seconds processing an item from workqueue takes",
                queue_buckets,
            ),
            unfinished: registered(
                r,
                "workqueue_unfinished_work_seconds",
                "How many seconds of work are in progress and not yet in work_duration. Large values indicate stuck workers",
                Family::default(),
            ),
            longest: registered(
                r,
                "workqueue_longest_running_processor_seconds",
                "How many seconds has the longest running processor for workqueue been running",
                Family::default(),
            ),
            retries: registered(
                r,
                "workqueue_retries",
                "Total number of retries handled by workqueue",
                Family::default(),
            ),
            workers: Mutex::default(),
        }
    }

    /// Sets what is looked at rather than told.
    pub(super) fn look(&self) {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for workers in &*workers {
            let load = workers.load();
            let controller = controller(workers.kind());
            let queue = queue(workers.kind());
            let depth = Depth {
                controller: queue.controller.clone(),
                name: queue.name.clone(),
                priority: "0",
            };
            self.depth.get_or_create(&depth).set(whole(load.waiting));
            self.active.get_or_create(&controller).set(whole(load.busy));
            self.unfinished
                .get_or_create(&queue)
                .set(load.unfinished.as_secs_f64());
            self.longest
                .get_or_create(&queue)
                .set(load.longest.as_secs_f64());
        }
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Observe for Controllers {
    fn workers(&self, workers: &Arc<Workers>) {
        let kind = workers.kind();
        let controller = controller(kind);
        for result in [ERROR, REQUEUE_AFTER, REQUEUE, SUCCESS] {
            let controller = controller.controller.clone();
            drop(
                self.reconciles
                    .get_or_create(&Outcome { controller, result }),
            );
        }
        for counters in [&self.errors, &self.terminal_errors, &self.panics] {
            drop(counters.get_or_create(&controller));
        }
        self.concurrent
            .get_or_create(&controller)
            .set(whole(workers.concurrent()));
        let queue = queue(kind);
        drop(self.adds.get_or_create(&queue));
        drop(self.retries.get_or_create(&queue));
        drop(self.waits.get_or_create(&queue));
        drop(self.works.get_or_create(&queue));
        let mut all = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(workers));
    }

    fn queued(&self, kind: &str) {
        self.adds.get_or_create(&queue(kind)).inc();
    }

    fn waited(&self, kind: &str, took: Duration) {
        self.waits
            .get_or_create(&queue(kind))
            .observe(took.as_secs_f64());
    }

    fn worked(&self, kind: &str, took: Duration) {
        self.works
            .get_or_create(&queue(kind))
            .observe(took.as_secs_f64());
    }

    fn delayed(&self, kind: &str) {
        self.retries.get_or_create(&queue(kind)).inc();
    }

    fn reconciled(&self, kind: &str, key: &Key, took: Duration, ended: Ended) {
        self.durations
            .get_or_create(&Object::new(kind, key))
            .observe(took.as_secs_f64());
        let controller = controller(kind);
        self.times
            .get_or_create(&controller)
            .observe(took.as_secs_f64());
        let result = result(ended);
        if result == ERROR {
            self.errors.get_or_create(&controller).inc();
            if ended.next == Next::Never {
                self.terminal_errors.get_or_create(&controller).inc();
            }
        }
        if ended.panicked {
            self.panics.get_or_create(&controller).inc();
        }
        let outcome = Outcome {
            controller: controller.controller,
            result,
        };
        self.reconciles.get_or_create(&outcome).inc();
    }

    /// As Flux does (fluxcd/pkg, `runtime/metrics/recorder.go`, `DeleteDuration`): series of what is gone would add up.
    fn forgotten(&self, kind: &str, key: &Key) {
        self.durations.remove(&Object::new(kind, key));
    }
}
