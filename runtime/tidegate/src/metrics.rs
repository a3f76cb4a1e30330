//! The metrics of Flux's controllers, by their names.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::histogram::exponential_buckets_range;
use prometheus_client::registry::Registry;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tidegate_flow::Observe;
use tidegate_kube::Key;
use tidegate_kube::RequestCount;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Object {
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    controller: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: String,
}

/// Everything that `/metrics` tells.
pub(crate) struct Metrics {
    registry: Registry,
    durations: Family<Object, Histogram, fn() -> Histogram>,
    reconciles: Family<Outcome, Counter>,
    times: Family<Controller, Histogram, fn() -> Histogram>,
    resident: Gauge,
    cpu: Counter<f64, AtomicU64>,
    requests: Arc<RequestCount>,
}

fn object_buckets() -> Histogram {
    // fluxcd/pkg, `runtime/metrics/recorder.go`: ten buckets from 10 ms to half an hour.
    Histogram::new(exponential_buckets_range(10e-3, 1800.0, 10))
}

impl Metrics {
    pub(crate) fn new(requests: Arc<RequestCount>) -> Arc<Self> {
        let mut registry = Registry::default();
        let durations = Family::new_with_constructor(object_buckets as fn() -> Histogram);
        registry.register(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a GitOps Toolkit resource reconciliation.",
            durations.clone(),
        );
        let reconciles = Family::<Outcome, Counter>::default();
        registry.register(
            "controller_runtime_reconcile",
            "Total number of reconciliations per controller",
            reconciles.clone(),
        );
        let times = Family::new_with_constructor(object_buckets as fn() -> Histogram);
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation per controller",
            times.clone(),
        );
        let resident = Gauge::default();
        registry.register(
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            resident.clone(),
        );
        let cpu = Counter::<f64, AtomicU64>::default();
        registry.register(
            "process_cpu_seconds",
            "Total user and system CPU time spent in seconds.",
            cpu.clone(),
        );
        Arc::new(Self {
            registry,
            durations,
            reconciles,
            times,
            resident,
            cpu,
            requests,
        })
    }

    /// In the text format of OpenMetrics.
    pub(crate) fn text(&self) -> String {
        if let Some((resident, cpu)) = process() {
            self.resident.set(resident);
            self.cpu.inc_by((cpu - self.cpu.get()).max(0.0));
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            return String::new();
        }
        // Counted where requests are sent, so not in the registry.
        let end = "# EOF\n";
        text.truncate(text.len() - end.len());
        text.push_str("# HELP rest_client_requests Number of HTTP requests, partitioned by status code and method.\n");
        text.push_str("# TYPE rest_client_requests counter\n");
        for (method, code, count) in self.requests.snapshot() {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "rest_client_requests_total{{code=\"{code}\",method=\"{method}\"}} {count}"
            );
        }
        text.push_str(end);
        text
    }
}

impl Observe for Metrics {
    fn reconciled(&self, kind: &str, key: &Key, took: Duration, failed: bool) {
        let object = Object {
            kind: kind.to_owned(),
            name: key.name.clone(),
            namespace: key.namespace.clone(),
        };
        self.durations
            .get_or_create(&object)
            .observe(took.as_secs_f64());
        let controller = kind.to_lowercase();
        let result = if failed { "error" } else { "success" };
        self.reconciles
            .get_or_create(&Outcome {
                controller: controller.clone(),
                result,
            })
            .inc();
        self.times
            .get_or_create(&Controller { controller })
            .observe(took.as_secs_f64());
    }
}

/// Resident bytes and CPU seconds of this process, where the system tells them.
fn process() -> Option<(i64, f64)> {
    const PAGE: i64 = 4096;
    const TICKS_PER_SECOND: f64 = 100.0;
    let memory = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: i64 = memory.split(' ').nth(1)?.parse().ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut times = stat.rsplit_once(')')?.1.split(' ').skip(12);
    let user: f64 = times.next()?.parse().ok()?;
    let system: f64 = times.next()?.parse().ok()?;
    Some((resident * PAGE, (user + system) / TICKS_PER_SECOND))
}
