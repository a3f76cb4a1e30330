//! Results kept in memory: per plugin and configuration, with the trace that says for which trees they stand.

use crate::call::{Call, CallReport};
use crate::plugin::PluginPre;
use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tidegate_values::Digest;

/// Traces tried per plugin and configuration: a Kustomization that moves between a few states hits them all.
const VARIANTS: usize = 4;

/// What must be equal before a trace is looked at. Keyed: it is made of values that may be secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

type Variants = Arc<[Arc<CallReport>]>;

/// Bounded by bytes; the least recently used go first.
pub(crate) struct Results {
    cache: Cache<Key, Variants>,
    secret: [u8; 32],
}

impl Results {
    pub(crate) fn new(bytes: u64) -> Self {
        let weigh = |_: &Key, variants: &Variants| {
            let weight: usize = variants.iter().map(|report| weight(report)).sum();
            u32::try_from(weight).unwrap_or(u32::MAX)
        };
        Self {
            cache: Cache::builder().max_capacity(bytes).weigher(weigh).build(),
            secret: rand::random(),
        }
    }

    /// A kept result whose trace `call` still answers the same.
    pub(crate) fn find(&self, key: &Key, call: &Call) -> Option<CallReport> {
        let variants = self.cache.get(key)?;
        // A host that cannot answer makes no hit: the run will meet the same error and report it.
        let hit = variants
            .iter()
            .find(|report| report.trace.holds(call).unwrap_or(false))?;
        Some(CallReport {
            cached: true,
            ..CallReport::clone(hit)
        })
    }

    /// Keeps a result, unless the same call could end otherwise next time.
    pub(crate) fn keep(&self, key: Key, report: &CallReport) {
        let keep = match &report.outcome {
            Ok(()) => true,
            Err(failure) => failure.is_deterministic(),
        };
        if !keep {
            return;
        }
        let older = self.cache.get(&key);
        let older = older
            .iter()
            .flat_map(|variants| variants.iter())
            .filter(|older| older.trace != report.trace);
        let variants: Vec<_> = std::iter::once(Arc::new(report.clone()))
            .chain(older.take(VARIANTS - 1).cloned())
            .collect();
        self.cache.insert(key, variants.into());
    }
}

fn weight(report: &CallReport) -> usize {
    let emitted: usize = report
        .emissions
        .iter()
        .map(|emission| emission.bytes.len() + 200)
        .sum();
    let attached: usize = report
        .attachments
        .iter()
        .map(|attachment| attachment.bytes.len() + 100)
        .sum();
    let logged: usize = report
        .logs
        .iter()
        .map(|line| line.message.len() + 100)
        .sum();
    emitted + attached + logged + report.diagnostics.len() * 400 + report.trace.weight() + 500
}

impl Key {
    pub(crate) fn of(plugin: &PluginPre, call: &Call, results: &Results) -> Self {
        #[expect(clippy::expect_used, reason = "the only error is a wrong length")]
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&results.secret)
            .expect("HMAC takes keys of any length");
        let mut frame = |part: &[u8]| {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        };
        frame(call.tenant.as_bytes());
        frame(format!("{:?} {:?}", plugin.class, call.limits).as_bytes());
        frame(format!("{:?}", call.remote.is_some()).as_bytes());
        frame(
            call.random
                .as_ref()
                .map_or(&[][..], |secret| secret.expose()),
        );
        fixed_input(plugin, call, &mut frame);
        Self(mac.finalize().into_bytes().into())
    }
}

/// Names a run for what is derived from it, such as random bytes.
pub(crate) fn run_key(plugin: &PluginPre, call: &Call) -> Digest {
    if !plugin.needs_run_key {
        return Digest::from_bytes([0; 32]);
    }
    let mut hash = Sha256::new();
    let mut frame = |part: &[u8]| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    frame(call.tenant.as_bytes());
    fixed_input(plugin, call, &mut frame);
    Digest::from_bytes(hash.finalize().into())
}

/// The input that is handed over whole rather than asked for: what the trace does not have. Each part is framed
/// with its length, and each list with its count, so that no two inputs look the same.
fn fixed_input(plugin: &PluginPre, call: &Call, frame: &mut impl FnMut(&[u8])) {
    frame(plugin.digest.as_bytes());
    frame(call.path.as_bytes());
    frame(call.config.as_bytes());
    frame(call.values.as_bytes());
    frame(&(call.value_layers.len() as u64).to_be_bytes());
    for layer in &call.value_layers {
        frame(layer.kind.as_bytes());
        frame(layer.source.as_bytes());
        frame(&layer.bytes);
    }
    frame(&[u8::from(call.function_config.is_some())]);
    frame(
        call.function_config
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
    );
    frame(&(call.manifests.len() as u64).to_be_bytes());
    for manifest in &call.manifests {
        frame(
            format!(
                "{:?} {:?} {:?}",
                manifest.id, manifest.format, manifest.origin
            )
            .as_bytes(),
        );
        frame(&manifest.bytes);
    }
}
