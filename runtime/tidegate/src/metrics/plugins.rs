//! Plugins: what was called, how it ended and what it used.

use super::Histograms;
use super::histograms;
use super::registered;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::histogram::exponential_buckets;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tidegate_sandbox::Class;
use tidegate_sandbox::Ended;
use tidegate_sandbox::Error;
use tidegate_sandbox::Failure;
use tidegate_sandbox::Limit;
use tidegate_sandbox::Observe;
use tidegate_sandbox::PluginPre;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Export {
    plugin: Arc<str>,
    export: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    plugin: Arc<str>,
    export: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hit {
    plugin: Arc<str>,
    export: &'static str,
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Loaded {
    plugin: String,
    class: &'static str,
    result: &'static str,
}

type Counters = Family<Export, Counter>;
type Seconds = Counter<f64, AtomicU64>;

pub(crate) struct Plugins {
    calls: Family<Outcome, Counter>,
    durations: Histograms<Export>,
    guest: Family<Export, Seconds>,
    limits: Family<Hit, Counter>,
    memory: Histograms<Export>,
    instances: Family<Export, Gauge>,
    fuel: Counters,
    host_calls: Counters,
    output: Counters,
    log_dropped: Counters,
    reused: Counters,
    loads: Family<Loaded, Counter>,
    load_times: Histograms<[(&'static str, &'static str); 1]>,
    /// The series of each plugin and export, so that a call costs one look-up.
    series: RwLock<BTreeMap<String, BTreeMap<&'static str, Arc<Series>>>>,
}

/// The metrics of one export of one plugin.
struct Series {
    labels: Export,
    succeeded: Counter,
    duration: Histogram,
    guest: Seconds,
    memory: Histogram,
    instances: Gauge,
    fuel: Counter,
    host_calls: Counter,
    output: Counter,
    log_dropped: Counter,
    reused: Counter,
}

/// From 100 µs, what an instance alone costs, to the 2 minutes that a built-in may take.
fn call_buckets() -> Histogram {
    Histogram::new([
        0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
        2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
    ])
}

/// From 1 MiB to the 1 GiB that a built-in may use.
fn memory_buckets() -> Histogram {
    Histogram::new(exponential_buckets(1_048_576.0, 2.0, 11))
}

impl Plugins {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let r = registry;
        Self {
            calls: registered(
                r,
                "tidegate_plugin_calls",
                "Calls of plugins, by result",
                Family::default(),
            ),
            durations: histograms(
                r,
                "tidegate_plugin_call_duration_seconds",
                "How long calls of plugins took, waiting for their turn included",
                call_buckets,
            ),
            guest: registered(
                r,
                "tidegate_plugin_guest_seconds",
                "Seconds that plugins ran, without the host's answers",
                Family::default(),
            ),
            limits: registered(
                r,
                "tidegate_plugin_limit_hits",
                "Calls and loads of plugins that ended at a limit, by its name",
                Family::default(),
            ),
            memory: histograms(
                r,
                "tidegate_plugin_peak_memory_bytes",
                "Largest linear memory of each call",
                memory_buckets,
            ),
            instances: registered(
                r,
                "tidegate_plugin_instances",
                "Instances of plugins that live now",
                Family::default(),
            ),
            fuel: registered(
                r,
                "tidegate_plugin_fuel_used",
                "Units of fuel that plugins used, where they are counted",
                Family::default(),
            ),
            host_calls: registered(
                r,
                "tidegate_plugin_host_calls",
                "Questions and outputs of plugins to the host",
                Family::default(),
            ),
            output: registered(
                r,
                "tidegate_plugin_output_bytes",
                "Bytes that plugins emitted, attached and reported",
                Family::default(),
            ),
            log_dropped: registered(
                r,
                "tidegate_plugin_log_dropped",
                "Log lines of plugins beyond their budget",
                Family::default(),
            ),
            reused: registered(
                r,
                "tidegate_plugin_cache_hits",
                "Calls of plugins that were answered with a kept result",
                Family::default(),
            ),
            loads: registered(
                r,
                "tidegate_plugin_loads",
                "Plugins that were made ready or refused, by result",
                Family::default(),
            ),
            load_times: histograms(
                r,
                "tidegate_plugin_load_duration_seconds",
                "How long making plugins ready took",
                call_buckets,
            ),
            series: RwLock::default(),
        }
    }

    fn series(&self, plugin: &str, export: &'static str) -> Arc<Series> {
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = known.get(plugin).and_then(|exports| exports.get(export)) {
            return Arc::clone(series);
        }
        drop(known);
        let mut known = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let exports = known.entry(plugin.to_owned()).or_default();
        let series = exports
            .entry(export)
            .or_insert_with(|| Arc::new(self.new_series(plugin, export)));
        Arc::clone(series)
    }

    fn new_series(&self, plugin: &str, export: &'static str) -> Series {
        let labels = Export {
            plugin: plugin.into(),
            export,
        };
        let succeeded = Outcome {
            plugin: Arc::clone(&labels.plugin),
            export,
            result: "success",
        };
        Series {
            succeeded: self.calls.get_or_create_owned(&succeeded),
            duration: self.durations.get_or_create_owned(&labels),
            guest: self.guest.get_or_create_owned(&labels),
            memory: self.memory.get_or_create_owned(&labels),
            instances: self.instances.get_or_create_owned(&labels),
            fuel: self.fuel.get_or_create_owned(&labels),
            host_calls: self.host_calls.get_or_create_owned(&labels),
            output: self.output.get_or_create_owned(&labels),
            log_dropped: self.log_dropped.get_or_create_owned(&labels),
            reused: self.reused.get_or_create_owned(&labels),
            labels,
        }
    }

    fn hit(&self, plugin: Arc<str>, export: &'static str, limit: Limit) {
        let hit = Hit {
            plugin,
            export,
            limit: limit.name(),
        };
        self.limits.get_or_create(&hit).inc();
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes for a histogram")]
fn bytes(count: u64) -> f64 {
    count as f64
}

impl Observe for Plugins {
    fn loaded(&self, name: &str, class: Class, took: Duration, result: Result<(), &Error>) {
        let class = match class {
            Class::Builtin => "builtin",
            Class::Tenant => "tenant",
        };
        if let Err(Error::Limit { limit, .. }) = result {
            self.hit(name.into(), "load", *limit);
        }
        let loaded = Loaded {
            plugin: name.to_owned(),
            class,
            result: result.map_or_else(Error::name, |()| "success"),
        };
        self.loads.get_or_create(&loaded).inc();
        self.load_times
            .get_or_create(&[("class", class)])
            .observe(took.as_secs_f64());
    }

    fn began(&self, plugin: &PluginPre, export: &'static str) {
        self.series(plugin.name(), export).instances.inc();
    }

    fn ended(&self, plugin: &PluginPre, export: &'static str, ended: &Ended<'_>) {
        let series = self.series(plugin.name(), export);
        series.instances.dec();
        let usage = ended.usage;
        series.duration.observe(usage.wall.as_secs_f64());
        series.guest.inc_by(usage.guest_time.as_secs_f64());
        series.memory.observe(bytes(usage.peak_memory));
        series.fuel.inc_by(usage.fuel.unwrap_or_default());
        series.host_calls.inc_by(usage.host_calls);
        series.output.inc_by(usage.output);
        series.log_dropped.inc_by(usage.log_dropped);
        let Some(failure) = ended.failure else {
            series.succeeded.inc();
            return;
        };
        let outcome = Outcome {
            plugin: Arc::clone(&series.labels.plugin),
            export,
            result: failure.name(),
        };
        self.calls.get_or_create(&outcome).inc();
        if let Failure::Limit { limit, .. } = failure {
            self.hit(Arc::clone(&series.labels.plugin), export, *limit);
        }
    }

    fn reused(&self, plugin: &PluginPre, export: &'static str) {
        self.series(plugin.name(), export).reused.inc();
    }
}
