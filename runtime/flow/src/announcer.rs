use crate::Kind;
use jiff::Timestamp;
use tidegate_kube::Recorder;
use tidegate_notify::Posted;
use tidegate_notify::Poster;
use tidegate_values::Event;
use tidegate_values::ObjectRef;

/// Annotations of an object that go with its events (RFC-0008 of Flux). They keep their prefix.
const EVENT_ANNOTATIONS: &str = "event.toolkit.fluxcd.io/";

/// Where events go: into the cluster, and to a receiver where one is named. Clones share both; neither ever waits.
#[derive(Clone)]
pub struct Announcer {
    recorder: Recorder,
    poster: Option<Poster>,
}

impl Announcer {
    pub fn new(recorder: Recorder, poster: Option<Poster>) -> Self {
        Self { recorder, poster }
    }

    /// Tells of something that happened to `object`, whatever object the event names
    /// (fluxcd/pkg, `runtime/events`, `AnnotatedEventf`).
    pub fn announce<K: Kind>(&self, object: &K::Object, mut event: Event, at: Timestamp) {
        use kube::Resource as _;
        use kube::ResourceExt as _;
        event.object = ObjectRef {
            api_version: K::Object::api_version(&()).into_owned(),
            kind: K::Object::kind(&()).into_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        };
        for (name, value) in object.annotations() {
            if name.starts_with(EVENT_ANNOTATIONS) {
                event.annotations.insert(name.clone(), value.clone());
            }
        }
        let uid = object.uid().unwrap_or_default();
        let resource_version = object.resource_version().unwrap_or_default();
        if let Some(poster) = &self.poster {
            poster.post(Posted {
                controller: K::CONTROLLER.to_owned(),
                uid: uid.clone(),
                resource_version: resource_version.clone(),
                event: event.clone(),
                at,
            });
        }
        self.recorder
            .record(K::CONTROLLER, &uid, &resource_version, event, at);
    }

    /// Waits until everything told so far was sent or given up.
    pub async fn flush(&self) {
        self.recorder.flush().await;
        if let Some(poster) = &self.poster {
            poster.flush().await;
        }
    }
}
