//! What `/metrics` tells: the metrics of Flux's controllers by their names, and those of plugins. `METRICS.md` lists
//! them for people; a test keeps it and this in step.

mod controllers;
mod exposition;
mod plugins;
mod process;
#[cfg(test)]
mod tests;

use self::controllers::Controllers;
pub(crate) use self::exposition::FORMAT;
use self::plugins::Plugins;
use self::process::Process;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Metric;
use prometheus_client::registry::Registry;
use std::hash::Hash;
use std::sync::Arc;
use tidegate_kube::RequestCount;

/// Histograms by their labels.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Everything that `/metrics` tells.
pub(crate) struct Metrics {
    registry: Registry,
    controllers: Arc<Controllers>,
    plugins: Arc<Plugins>,
    process: Process,
    requests: Arc<RequestCount>,
}

impl Metrics {
    pub(crate) fn new(requests: Arc<RequestCount>) -> Arc<Self> {
        let mut registry = Registry::default();
        Arc::new(Self {
            controllers: Arc::new(Controllers::new(&mut registry)),
            plugins: Arc::new(Plugins::new(&mut registry)),
            process: Process::new(&mut registry),
            registry,
            requests,
        })
    }

    /// What hears of reconciles.
    pub(crate) fn controllers(&self) -> Arc<Controllers> {
        Arc::clone(&self.controllers)
    }

    /// What hears of plugins.
    pub(crate) fn plugins(&self) -> Arc<Plugins> {
        Arc::clone(&self.plugins)
    }

    /// In Prometheus's text format, as Flux's controllers serve it.
    pub(crate) fn text(&self) -> String {
        self.process.look();
        self.controllers.look();
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        let mut text = exposition::classic(&text);
        exposition::requests(&mut text, &self.requests);
        text
    }
}

/// Registers a metric by its name and help, without the ending `_total` of counters and the full stop of helps, which
/// the library adds.
fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn histograms<L>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    new: fn() -> Histogram,
) -> Histograms<L>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + std::fmt::Debug + 'static,
{
    registered(registry, name, help, Family::new_with_constructor(new))
}
