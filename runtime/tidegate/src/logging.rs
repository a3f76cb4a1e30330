//! Log lines as Flux writes them, so that `flux logs` reads them: one JSON object a line on standard error with
//! `level`, `ts`, `logger`, `msg`, and the fields of the reconcile (fluxcd/pkg, `runtime/logger`).

use serde_json::Map;
use serde_json::Value;
use std::fmt;
use std::fmt::Write as _;
use std::io::Write as _;
use tracing::Event;
use tracing::Level;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::span;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging. `level` is one of Flux's: trace, debug, info, error.
pub(crate) fn start(level: &str, encoding: &str) -> anyhow::Result<()> {
    let level = match level {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" => LevelFilter::INFO,
        "error" => LevelFilter::ERROR,
        other => anyhow::bail!("--log-level: `{other}` is none of trace, debug, info, error"),
    };
    let json = match encoding {
        "json" => true,
        "console" => false,
        other => anyhow::bail!("--log-encoding: `{other}` is neither json nor console"),
    };
    // Libraries are heard from debug on; what goes wrong in them reaches us as errors.
    let others = if level >= LevelFilter::DEBUG {
        LevelFilter::INFO
    } else {
        LevelFilter::OFF
    };
    let targets = Targets::new()
        .with_target("tidegate", level)
        .with_default(others);
    tracing_subscriber::registry()
        .with(Lines { json }.with_filter(targets))
        .try_init()?;
    Ok(())
}

/// Fields that are maps. A field of `tracing` is plain text: these hold JSON.
const MAPS: &[&str] = &["output"];

struct Lines {
    json: bool,
}

/// The fields of a span, kept beside it.
struct Fields(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Map::new();
        attributes.record(&mut Collect(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Fields(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Map::new();
        event.record(&mut Collect(&mut own));
        let message = own.remove("message").unwrap_or_default();
        let level = match *event.metadata().level() {
            Level::ERROR | Level::WARN => "error",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut line = Map::new();
        line.insert("level".to_owned(), level.into());
        line.insert("ts".to_owned(), now().into());
        line.insert(
            "logger".to_owned(),
            event.metadata().target().replace("::", ".").into(),
        );
        line.insert("msg".to_owned(), message);
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                if let Some(Fields(fields)) = span.extensions().get() {
                    line.extend(fields.clone());
                }
            }
        }
        line.extend(own);
        // A log that cannot be written is no reason to stop.
        let _ = writeln!(
            std::io::stderr().lock(),
            "{}",
            if self.json {
                json(line)
            } else {
                console(&line)
            }
        );
    }
}

fn json(line: Map<String, Value>) -> String {
    Value::Object(line).to_string()
}

fn console(line: &Map<String, Value>) -> String {
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut written = format!("{} {:5} {}", text("ts"), text("level"), text("msg"));
    for (name, value) in line {
        if !["ts", "level", "msg", "logger"].contains(&name.as_str()) {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let _ = write!(written, " {name}={shown}");
        }
    }
    written
}

fn now() -> String {
    tidegate_flow::Clock
        .now()
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

struct Collect<'a>(&'a mut Map<String, Value>);

impl Collect<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Collect<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        let map = MAPS
            .contains(&field.name())
            .then(|| serde_json::from_str(&text).ok());
        self.put(field, map.flatten().unwrap_or_else(|| text.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::Mutex;

    struct Kept(Arc<Mutex<Map<String, Value>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            event.record(&mut Collect(&mut self.0.lock().unwrap()));
        }
    }

    #[test]
    fn what_an_apply_did_is_a_map_and_not_text() {
        let kept = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Kept(Arc::clone(&kept)));
        tracing::subscriber::with_default(subscriber, || {
            let output = serde_json::json!({"ConfigMap/ns/a": "created"});
            tracing::info!(%output, revision = "{\"main\": 1}", "server-side apply completed");
        });
        let line = json(kept.lock().unwrap().clone());
        assert_eq!(
            line,
            r#"{"message":"server-side apply completed","output":{"ConfigMap/ns/a":"created"},"revision":"{\"main\": 1}"}"#
        );
    }
}
