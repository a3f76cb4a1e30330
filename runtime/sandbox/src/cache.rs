//! Results kept in memory: per plugin and configuration, with the trace that says for which trees they stand.

use crate::call::{Call, CallReport};
use crate::error::Failure;
use crate::host::outputs::weight as diagnostic;
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

/// What a kept result takes in memory, in bytes.
fn weight(report: &CallReport) -> usize {
    let emissions = report.emissions.iter().map(|emission| {
        let path = emission
            .source
            .as_ref()
            .map_or(0, |source| source.path.len());
        size_of_val(emission) + emission.bytes.len() + path
    });
    let attachments = report.attachments.iter().map(|attachment| {
        let texts = attachment.path.len() + attachment.media_type.len();
        size_of_val(attachment) + attachment.bytes.len() + texts
    });
    let logs = report.logs.iter().map(|line| {
        let fields = line.fields.iter();
        let fields = fields.map(|field| size_of_val(field) + field.0.len() + field.1.len());
        size_of_val(line) + line.message.len() + fields.sum::<usize>()
    });
    let failure = match &report.outcome {
        Ok(()) => 0,
        Err(Failure::InvalidInput(diagnostics)) => diagnostics.iter().map(diagnostic).sum(),
        Err(failure) => failure.to_string().len(),
    };
    size_of::<CallReport>()
        + emissions.sum::<usize>()
        + attachments.sum::<usize>()
        + logs.sum::<usize>()
        + report.diagnostics.iter().map(diagnostic).sum::<usize>()
        + failure
        + report.trace.weight()
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

#[cfg(test)]
mod tests {
    use super::weight;
    use crate::host::questions;
    use crate::{
        Attachment, CallReport, Diagnostic, Emission, Failure, Format, Location, LogLevel, LogLine,
        ObjectId, Question, Role, Severity, Trace, TreeName, Usage,
    };
    use bytes::Bytes;

    const LONG: usize = 100_000;

    type Change = fn(&mut CallReport);

    fn long() -> String {
        "x".repeat(LONG)
    }

    fn location(path: String) -> Location {
        Location {
            path,
            index: 0,
            line: 0,
            column: 0,
        }
    }

    fn of_object(name: String) -> Diagnostic {
        Diagnostic {
            severity: Severity::Info,
            code: String::new(),
            message: String::new(),
            object: Some(ObjectId {
                api_version: String::new(),
                kind: String::new(),
                namespace: None,
                name,
            }),
            field: None,
            current_value: None,
            proposed_value: None,
            location: None,
            tags: Vec::new(),
        }
    }

    fn empty() -> CallReport {
        CallReport {
            outcome: Ok(()),
            emissions: Vec::new(),
            diagnostics: Vec::new(),
            attachments: Vec::new(),
            judgements: Vec::new(),
            trace: Trace::default(),
            usage: Usage::default(),
            logs: Vec::new(),
            cached: false,
        }
    }

    fn emission(bytes: String, path: String) -> Emission {
        Emission {
            role: Role::Manifest,
            format: Format::Yaml,
            bytes: Bytes::from(bytes),
            source: Some(location(path)),
            kept: None,
        }
    }

    fn attachment(path: String, media_type: String) -> Attachment {
        Attachment {
            path,
            media_type,
            bytes: Bytes::new(),
        }
    }

    fn line(message: String, key: String) -> LogLine {
        LogLine {
            level: LogLevel::Info,
            message,
            fields: vec![(key, String::new())],
        }
    }

    fn ask(report: &mut CallReport, question: Question) {
        report.trace.record(question, questions::text(""));
    }

    /// Whatever a plugin made long is in the weight, by which kept results are bounded.
    #[test]
    fn every_text_of_a_result_has_its_weight() {
        let changes: [(&str, Change); 12] = [
            ("bytes", |report| {
                report.emissions.push(emission(long(), String::new()));
            }),
            ("source", |report| {
                report.emissions.push(emission(String::new(), long()));
            }),
            ("path", |report| {
                report.attachments.push(attachment(long(), String::new()));
            }),
            ("type", |report| {
                report.attachments.push(attachment(String::new(), long()));
            }),
            ("message", |report| {
                report.logs.push(line(long(), String::new()));
            }),
            ("field", |report| {
                report.logs.push(line(String::new(), long()));
            }),
            ("object", |report| {
                report.diagnostics.push(of_object(long()));
            }),
            ("refusal", |report| {
                report.outcome = Err(Failure::InvalidInput(vec![of_object(long())]));
            }),
            ("failure", |report| {
                report.outcome = Err(Failure::Host(long()));
            }),
            ("question", |report| {
                ask(report, Question::Stat(TreeName::Source, long()));
            }),
            ("locator", |report| {
                ask(report, Question::Remote(long().into()));
            }),
            ("API", |report| {
                ask(report, Question::HasApi(String::new(), Some(long())));
            }),
        ];
        for (name, change) in changes {
            let mut report = empty();
            change(&mut report);
            assert!(weight(&report) >= LONG, "{name}: {}", weight(&report));
        }
    }
}
