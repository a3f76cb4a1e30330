use crate::told::Told;
use jiff::Timestamp;
use kube::Client;
use kube::core::response::StatusCause;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;
use tidegate_values::Event;
use tidegate_values::Severity;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// After so many messages of one reason, further ones are counted on one Event
/// (client-go, `tools/record/events_cache.go`, `defaultAggregateMaxEvents`).
const MESSAGES_OF_ONE_REASON: usize = 10;
/// Messages older than this begin anew (`defaultAggregateIntervalInSeconds`).
const FORGET_AFTER: Duration = Duration::from_mins(10);
/// How many series are remembered (`maxLruCacheEntries`).
const SERIES: usize = 4096;
const COMBINED: &str = "(combined from similar events): ";

/// Writes Kubernetes Events in the background, counting repeated ones as client-go does.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::UnboundedSender<Job>,
}

enum Job {
    Record(Box<Occurrence>),
    Flush(oneshot::Sender<()>),
}

/// One event with what the API server wants beside it.
struct Occurrence {
    controller: String,
    uid: String,
    resource_version: String,
    event: Event,
    at: Timestamp,
}

impl Recorder {
    /// Starts the writer.
    pub fn start(client: Client) -> Self {
        let (queue, mut jobs) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut writer = Writer {
                client,
                correlator: Correlator::default(),
                told: Told::default(),
            };
            while let Some(job) = jobs.recv().await {
                match job {
                    Job::Record(occurrence) => writer.write(*occurrence).await,
                    Job::Flush(done) => drop(done.send(())),
                }
            }
        });
        Self { queue }
    }

    /// Records `event` as coming from `controller`, about the object with this uid and resource version.
    pub fn record(
        &self,
        controller: &str,
        uid: &str,
        resource_version: &str,
        event: Event,
        at: Timestamp,
    ) {
        let occurrence = Occurrence {
            controller: controller.to_owned(),
            uid: uid.to_owned(),
            resource_version: resource_version.to_owned(),
            event,
            at,
        };
        // Fails only when the runtime is going down.
        let _ = self.queue.send(Job::Record(Box::new(occurrence)));
    }

    /// Waits until everything recorded so far was sent.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Job::Flush(done)).is_ok() {
            let _ = wait.await;
        }
    }
}

struct Writer {
    client: Client,
    correlator: Correlator,
    /// Why events could not be written, as far as that was told: by namespace, and the verb.
    told: Told<(String, &'static str)>,
}

impl Writer {
    async fn write(&mut self, occurrence: Occurrence) {
        let namespace = match occurrence.event.object.namespace.as_str() {
            "" => "default",
            namespace => namespace,
        };
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let known = match self.correlator.place(&occurrence) {
            Placed::Again(series) => {
                let patch = json!({
                    "count": series.count,
                    "lastTimestamp": second(occurrence.at),
                    "message": series.message,
                });
                let answer = self
                    .send("PATCH", &format!("{path}/{}", series.name), &patch)
                    .await;
                match answer {
                    // The Event has been collected: tell it anew.
                    Err(error) if crate::has_reason(&error, "NotFound") => series,
                    answer => return tell(&self.told, namespace, "patch", answer),
                }
            }
            Placed::First(series) => series,
        };
        let body = body_of(&occurrence, &known);
        let answer = self.send("POST", &path, &body).await;
        tell(&self.told, namespace, "create", answer);
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<(), kube::Error> {
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, kind)
            .body(body.to_string().into_bytes())
            .map_err(kube::Error::HttpError)?;
        self.client.request::<Value>(request).await.map(drop)
    }
}

/// Tells why events of a namespace are lost: once, and again when it is for another reason.
fn tell(
    told: &Told<(String, &'static str)>,
    namespace: &str,
    verb: &'static str,
    answer: Result<(), kube::Error>,
) {
    let place = (namespace.to_owned(), verb);
    let Err(error) = answer else {
        if told.is_over(&place) {
            tracing::info!(
                namespace,
                "events in the namespace {namespace} are recorded again"
            );
        }
        return;
    };
    let message = crate::message_of(&error);
    // The text may name the event, which is another each time.
    match reason_of(&error) {
        Some(reason) if told.is_news(&place, reason) => tracing::warn!(
            namespace,
            error = message,
            "failed to {verb} an event: what happens in the namespace {namespace} is seen in statuses and the log only"
        ),
        _ => tracing::debug!(namespace, error = message, "failed to {verb} an event"),
    }
}

/// What kind of failure it is. `None` for a namespace that goes or is gone: it takes no events, which is nobody's fault.
fn reason_of(error: &kube::Error) -> Option<&str> {
    let kube::Error::Api(status) = error else {
        return Some("no answer");
    };
    let goes = |cause: &StatusCause| cause.reason == "NamespaceTerminating";
    let details = status.details.as_ref();
    let terminating = details.is_some_and(|details| details.causes.iter().any(goes));
    (!terminating && status.reason != "NotFound").then_some(&status.reason)
}

fn body_of(occurrence: &Occurrence, series: &Series) -> Value {
    let event = &occurrence.event;
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": series.name, "annotations": event.annotations },
        "involvedObject": {
            "apiVersion": event.object.api_version,
            "kind": event.object.kind,
            "namespace": event.object.namespace,
            "name": event.object.name,
            "uid": occurrence.uid,
            "resourceVersion": occurrence.resource_version,
        },
        "type": type_of(event.severity),
        "reason": event.reason,
        "message": series.message,
        "source": { "component": occurrence.controller },
        "reportingComponent": occurrence.controller,
        "firstTimestamp": second(occurrence.at),
        "lastTimestamp": second(occurrence.at),
        "count": series.count,
    })
}

fn type_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "Warning",
        Severity::Info | Severity::Trace => "Normal",
    }
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// One Event object and how often it was told.
#[derive(Clone)]
struct Series {
    name: String,
    message: String,
    count: u32,
}

enum Placed {
    First(Series),
    Again(Series),
}

/// Decides which Event object an occurrence belongs to (client-go, `EventCorrelator`). No clock, no client.
#[derive(Default)]
struct Correlator {
    reasons: BTreeMap<String, Reason>,
    series: BTreeMap<String, (Series, Timestamp)>,
    /// The number in the last name given: several events may come at one moment.
    last_name: i128,
}

#[derive(Default)]
struct Reason {
    messages: BTreeSet<String>,
    last: Timestamp,
}

impl Correlator {
    fn place(&mut self, occurrence: &Occurrence) -> Placed {
        let event = &occurrence.event;
        let at = occurrence.at;
        let reason_key = format!(
            "{}\0{}\0{}\0{}\0{}\0{}",
            occurrence.controller,
            event.object.api_version,
            event.object,
            occurrence.uid,
            type_of(event.severity),
            event.reason
        );
        let reason = self.reasons.entry(reason_key.clone()).or_default();
        if at.duration_since(reason.last).unsigned_abs() > FORGET_AFTER {
            reason.messages.clear();
        }
        reason.last = at;
        let combine = reason.messages.len() + 1 >= MESSAGES_OF_ONE_REASON
            && !reason.messages.contains(&event.message)
            || reason.messages.len() >= MESSAGES_OF_ONE_REASON;
        reason.messages.insert(event.message.clone());
        let (key, message) = if combine {
            (reason_key, format!("{COMBINED}{}", event.message))
        } else {
            (
                format!("{reason_key}\0{}", event.message),
                event.message.clone(),
            )
        };
        let placed = if let Some((series, last)) = self.series.get_mut(&key) {
            series.count += 1;
            series.message = message;
            *last = at;
            Placed::Again(series.clone())
        } else {
            self.last_name = at.as_nanosecond().max(self.last_name + 1);
            let name = format!("{}.{:x}", event.object.name, self.last_name);
            let series = Series {
                name,
                message,
                count: 1,
            };
            self.series.insert(key, (series.clone(), at));
            Placed::First(series)
        };
        self.forget_oldest();
        placed
    }

    fn forget_oldest(&mut self) {
        if self.series.len() <= SERIES {
            return;
        }
        let mut times: Vec<Timestamp> = self.series.values().map(|(_, at)| *at).collect();
        times.sort_unstable();
        let oldest = times[times.len() / 2];
        self.series.retain(|_, (_, at)| *at > oldest);
        self.reasons.retain(|_, reason| reason.last > oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::COMBINED;
    use super::Correlator;
    use super::Occurrence;
    use super::Placed;
    use super::tell;
    use crate::told::Told;
    use crate::told::tests::logged;
    use crate::told::tests::refusal;
    use jiff::Timestamp;
    use kube::core::response::StatusCause;
    use kube::core::response::StatusDetails;
    use tidegate_values::Event;
    use tidegate_values::ObjectRef;
    use tidegate_values::Severity;

    fn place(correlator: &mut Correlator, message: &str, second: i64) -> (bool, u32, String) {
        let object = ObjectRef {
            name: "app".to_owned(),
            ..ObjectRef::default()
        };
        let placed = correlator.place(&Occurrence {
            controller: "c".to_owned(),
            uid: "u".to_owned(),
            resource_version: "1".to_owned(),
            event: Event {
                object,
                severity: Severity::Info,
                reason: "R".to_owned(),
                message: message.to_owned(),
                annotations: std::collections::BTreeMap::new(),
            },
            at: Timestamp::from_second(second).unwrap(),
        });
        match placed {
            Placed::First(series) => (true, series.count, series.message),
            Placed::Again(series) => (false, series.count, series.message),
        }
    }

    #[test]
    fn counts_the_same_message_on_one_event() {
        let mut correlator = Correlator::default();
        assert_eq!(place(&mut correlator, "a", 1), (true, 1, "a".to_owned()));
        assert_eq!(place(&mut correlator, "a", 2), (false, 2, "a".to_owned()));
        assert_eq!(place(&mut correlator, "b", 3), (true, 1, "b".to_owned()));
    }

    #[test]
    fn lost_events_are_told_of_once_per_namespace() {
        let told = Told::default();
        let lines = |namespace: &str, answer: Result<(), kube::Error>| {
            logged(|| tell(&told, namespace, "create", answer))
        };
        let forbidden =
            |name: &str| Err(refusal("Forbidden", &format!("event {name} is forbidden")));
        assert_eq!(
            lines("team", forbidden("a")),
            [
                r#"WARN failed to create an event: what happens in the namespace team is seen in statuses and the log only namespace="team" error="event a is forbidden""#
            ]
        );
        assert!(lines("team", forbidden("b")).is_empty());
        assert_eq!(lines("other", forbidden("b")).len(), 1);
        assert_eq!(
            lines("team", Ok(())),
            [r#"INFO events in the namespace team are recorded again namespace="team""#]
        );
        assert!(lines("team", Ok(())).is_empty());
        assert_eq!(lines("team", forbidden("c")).len(), 1);

        let mut terminating = refusal("Forbidden", "it is being terminated");
        if let kube::Error::Api(status) = &mut terminating {
            status.details = Some(StatusDetails {
                causes: vec![StatusCause {
                    reason: "NamespaceTerminating".to_owned(),
                    message: String::new(),
                    field: String::new(),
                }],
                name: String::new(),
                group: String::new(),
                kind: String::new(),
                uid: String::new(),
                retry_after_seconds: 0,
            });
        }
        assert!(lines("going", Err(terminating)).is_empty());
        assert!(lines("gone", Err(refusal("NotFound", "no such namespace"))).is_empty());
    }

    #[test]
    fn combines_from_the_tenth_message_of_a_reason() {
        let mut correlator = Correlator::default();
        for i in 1..10 {
            assert!(place(&mut correlator, &i.to_string(), i).0);
        }
        assert_eq!(
            place(&mut correlator, "10", 10),
            (true, 1, format!("{COMBINED}10"))
        );
        assert_eq!(
            place(&mut correlator, "11", 11),
            (false, 2, format!("{COMBINED}11"))
        );
        assert!(place(&mut correlator, "later", 700).0);
    }
}
