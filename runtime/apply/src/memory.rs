use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
};

use serde_json::{Map, Value};
use tidegate_values::{Digest, ObjectRef};

use crate::{Object, inventory::Inventory, object::any_in_metadata};

/// What is remembered of an object that was applied. In memory only: losing it costs reads, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Digest of the object as it was wanted, and of the settings that steer its apply.
    pub desired: Digest,
    /// Digest of what counts as content of the live object: see [`live_digest`].
    pub live: Digest,
    /// Where the apply left the object: a watch that tells of this version tells of nobody else's doing.
    pub resource_version: String,
    /// The object was left alone because its metadata says so.
    pub skipped: bool,
}

impl Applied {
    pub(crate) fn new(desired: Digest, live: &Value, skipped: bool) -> Self {
        let version = live
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str);
        Self {
            desired,
            live: live_digest(live),
            resource_version: version.unwrap_or_default().to_owned(),
            skipped,
        }
    }
}

/// What earlier reconciles left, and what was heard of the cluster since.
/// Keys are references as reported in changes: without namespace for cluster-scoped objects.
#[derive(Debug, Clone, Default)]
pub struct Previous {
    /// What the last apply left of each object.
    pub known: HashMap<ObjectRef, Applied>,
    /// Objects that somebody changed or deleted since: gone, or another generation, labels, annotations or
    /// finalizers; for kinds without generation another resource version than the one remembered.
    pub moved: HashSet<ObjectRef>,
    /// The inventory of the last reconcile, to tell objects that are new from those only forgotten by a restart.
    pub inventory: Inventory,
}

impl Previous {
    /// What is known of an object that nobody has touched since.
    pub(crate) fn settled(&self, object: &ObjectRef) -> Option<&Applied> {
        self.known
            .get(object)
            .filter(|_| !self.moved.contains(object))
    }
}

/// Digest of what a drift comparison looks at: everything but `status`, and of the metadata
/// labels and annotations only.
pub fn live_digest(live: &Value) -> Digest {
    let mut writer = Vec::with_capacity(1024);
    if let Some(map) = live.as_object() {
        write_map(&mut writer, map, |key| key != "metadata" && key != "status");
    }
    for field in ["labels", "annotations"] {
        writer.push(b'\n');
        if let Some(Value::Object(map)) = live
            .get("metadata")
            .and_then(|metadata| metadata.get(field))
        {
            write_map(&mut writer, map, |_| true);
        }
    }
    Digest::of(&writer)
}

/// Digest of a wanted object, whatever the order of its keys; `settings` is what else steers its apply.
pub(crate) fn desired_digest(object: &Object, settings: &str) -> Digest {
    let mut writer = Vec::with_capacity(1024);
    write_map(&mut writer, object.as_map(), |_| true);
    writer.push(b'\n');
    writer.extend_from_slice(settings.as_bytes());
    Digest::of(&writer)
}

fn write_map(writer: &mut Vec<u8>, map: &Map<String, Value>, keep: impl Fn(&str) -> bool) {
    let mut keys: Vec<&String> = map.keys().filter(|key| keep(key)).collect();
    keys.sort_unstable();
    writer.push(b'{');
    for key in keys {
        let _ = serde_json::to_writer(&mut *writer, key);
        writer.push(b':');
        write_value(writer, &map[key]);
        writer.push(b',');
    }
    writer.push(b'}');
}

fn write_value(writer: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(map) => write_map(writer, map, |_| true),
        Value::Array(items) => {
            writer.push(b'[');
            for item in items {
                write_value(writer, item);
                writer.push(b',');
            }
            writer.push(b']');
        }
        scalar => {
            let _ = write!(writer, "{scalar}");
        }
    }
}

/// Whether the live object's own metadata keeps it from being applied.
pub(crate) fn is_excluded(live: &Value, exclusions: &[(String, &str)]) -> bool {
    any_in_metadata(live.get("metadata"), exclusions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn live_digest_ignores_status_and_bookkeeping() {
        let live = |replicas: i64, version: &str, status: i64| {
            json!({
                "metadata": {"name": "a", "resourceVersion": version, "labels": {"a": "b"}},
                "spec": {"replicas": replicas}, "status": {"ready": status},
            })
        };
        assert_eq!(live_digest(&live(1, "5", 0)), live_digest(&live(1, "6", 1)));
        assert_ne!(live_digest(&live(1, "5", 0)), live_digest(&live(2, "5", 0)));
    }

    #[test]
    fn desired_digest_ignores_the_order_of_keys() {
        let object = |text: &str| Object::new(serde_json::from_str(text).unwrap()).unwrap();
        let one = object(
            r#"{"apiVersion":"v1","kind":"A","metadata":{"name":"a"},"data":{"x":"1","y":"2"}}"#,
        );
        let other = object(
            r#"{"kind":"A","apiVersion":"v1","data":{"y":"2","x":"1"},"metadata":{"name":"a"}}"#,
        );
        assert_eq!(desired_digest(&one, ""), desired_digest(&other, ""));
        assert_ne!(desired_digest(&one, ""), desired_digest(&other, "force"));
    }
}
