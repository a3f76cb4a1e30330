use crate::bindings::tidegate::plugin::inputs;
use crate::bindings::tidegate::plugin::outputs;
use crate::bindings::tidegate::plugin::types;
use crate::{Failure, Limits, Trace};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tidegate_values::{Judgement, ObjectRef, RemoteSource, Secret, Tree};

pub use inputs::ValueLayer;
pub use outputs::Role;
pub use types::Diagnostic;
pub use types::Location;
pub use types::ManifestFormat as Format;
pub use types::ObjectId;
pub use types::Severity;

/// One manifest that goes into a transformer or validator.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub id: ObjectRef,
    pub format: Format,
    pub bytes: Bytes,
    pub origin: Option<Location>,
}

/// Everything that one call of a plugin may see, and how much it may use.
#[derive(Clone, Default)]
pub struct Call {
    /// The namespace on whose behalf the plugin runs. Kept results never cross it.
    pub tenant: String,
    pub source: Option<Arc<dyn Tree>>,
    /// Further trees by alias.
    pub extra_sources: BTreeMap<String, Arc<dyn Tree>>,
    /// The directory to work on, in normal form; empty means the root.
    pub path: String,
    /// JSON object; empty means `{}`.
    pub config: String,
    /// JSON object; empty means `{}`.
    pub values: String,
    pub value_layers: Vec<ValueLayer>,
    pub function_config: Option<String>,
    pub facts: BTreeMap<String, String>,
    /// What the cluster serves: `v1`, `apps/v1`, and with kinds `v1/ConfigMap`, `apps/v1/Deployment`.
    pub apis: Arc<BTreeSet<String>>,
    pub manifests: Vec<Manifest>,
    /// Opens remote bases; without it they are denied.
    pub remote: Option<Arc<dyn RemoteSource>>,
    /// The time that a plugin with the capability `clock` sees, in Unix seconds.
    pub now: Option<u64>,
    /// What the capability `random` derives its bytes from.
    pub random: Option<Secret>,
    /// `None`: the defaults of the plugin's class.
    pub limits: Option<Limits>,
    /// Set it to end the call soon.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl fmt::Debug for Call {
    /// Configuration and values may hold secrets: only what names the call is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("tenant", &self.tenant)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// One document that a plugin emitted, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Emission {
    pub role: Role,
    pub format: Format,
    pub bytes: Bytes,
    pub source: Option<Location>,
    /// The input it was kept from: an index into [`Call::manifests`].
    pub kept: Option<usize>,
}

/// A side file of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub path: String,
    pub media_type: String,
    pub bytes: Bytes,
}

/// One line of a plugin's log, control characters escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub level: LogLevel,
    pub message: String,
    pub fields: Vec<(String, String)>,
}

pub use crate::bindings::tidegate::plugin::logging::Level as LogLevel;

/// What a call cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Units used, when the class counts them.
    pub fuel: Option<u64>,
    /// Largest sum of the linear memories, in bytes.
    pub peak_memory: u64,
    /// From the call's start to its end, waiting for a turn included.
    pub wall: Duration,
    /// The part of it spent in the guest.
    pub guest_time: Duration,
    pub host_calls: u64,
    /// Bytes emitted and attached.
    pub output: u64,
    /// Log lines dropped for the budget.
    pub log_dropped: u64,
}

/// Data and failure together: what was emitted before a failure is kept for diagnosis.
#[derive(Debug, Clone, PartialEq)]
pub struct CallReport {
    pub outcome: Result<(), Failure>,
    pub emissions: Vec<Emission>,
    pub diagnostics: Vec<Diagnostic>,
    pub attachments: Vec<Attachment>,
    /// One per pair, in the order of the pairs; empty in other worlds and after a failure.
    pub judgements: Vec<Judgement>,
    pub trace: Trace,
    pub usage: Usage,
    pub logs: Vec<LogLine>,
    /// The result was taken from the cache; `usage` and `logs` are those of the run that made it.
    pub cached: bool,
}

impl LogLine {
    /// The message and the fields behind it, in one line.
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        for (key, value) in &self.fields {
            text.push(' ');
            text.push_str(key);
            text.push('=');
            text.push_str(value);
        }
        text
    }
}

impl CallReport {
    /// Hands the plugin's log on to ours, at debug level and in the caller's span; `redact` takes out of each line what
    /// must not be told. A kept result says nothing again.
    pub fn hand_log_on(&self, plugin: &str, redact: impl Fn(&str) -> String) {
        if self.cached || !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        for line in &self.logs {
            let level = match line.level {
                LogLevel::Trace => "trace",
                LogLevel::Debug => "debug",
                LogLevel::Info => "info",
                LogLevel::Warn => "warn",
                LogLevel::Error => "error",
            };
            tracing::debug!(plugin, pluginLevel = level, "{}", redact(&line.text()));
        }
        if self.usage.log_dropped > 0 {
            let dropped = self.usage.log_dropped;
            tracing::debug!(plugin, dropped, "the plugin logged more than is kept");
        }
    }
}

pub(crate) fn object_id(id: &ObjectRef) -> ObjectId {
    ObjectId {
        api_version: id.api_version.clone(),
        kind: id.kind.clone(),
        namespace: (!id.namespace.is_empty()).then(|| id.namespace.clone()),
        name: id.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{CallReport, LogLevel, LogLine, Usage};
    use crate::Trace;
    use std::fmt::{self, Write as _};
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::{Event, Level, Metadata, Subscriber, span};

    /// Writes down every event up to `level`.
    struct Heard {
        level: Level,
        lines: Arc<Mutex<Vec<String>>>,
    }

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            let _ = write!(self.0, "{}={value:?} ", field.name());
        }
    }

    impl Subscriber for Heard {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= self.level
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut line = Line(format!("{} ", event.metadata().level()));
            event.record(&mut line);
            self.lines.lock().expect("nobody panicked").push(line.0);
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    fn heard(level: Level, report: &CallReport) -> Vec<String> {
        let lines = Arc::default();
        let subscriber = Heard {
            level,
            lines: Arc::clone(&lines),
        };
        tracing::subscriber::with_default(subscriber, || {
            report.hand_log_on("renderer", |text| text.replace("hunter22", "***"));
        });
        let lines = lines.lock().expect("nobody panicked");
        lines.clone()
    }

    #[test]
    fn a_log_is_handed_on_without_secrets() {
        let mut report = CallReport {
            outcome: Ok(()),
            emissions: Vec::new(),
            diagnostics: Vec::new(),
            attachments: Vec::new(),
            judgements: Vec::new(),
            trace: Trace::default(),
            usage: Usage {
                log_dropped: 3,
                ..Usage::default()
            },
            logs: vec![LogLine {
                level: LogLevel::Warn,
                message: "read hunter22".to_owned(),
                fields: vec![("from".to_owned(), "a hunter22 file".to_owned())],
            }],
            cached: false,
        };
        assert_eq!(
            heard(Level::DEBUG, &report),
            [
                "DEBUG message=read *** from=a *** file plugin=\"renderer\" pluginLevel=\"warn\" ",
                "DEBUG message=the plugin logged more than is kept plugin=\"renderer\" dropped=3 ",
            ]
        );
        assert!(heard(Level::INFO, &report).is_empty());
        report.cached = true;
        assert!(heard(Level::DEBUG, &report).is_empty());
    }
}
