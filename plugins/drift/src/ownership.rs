//! What a server-side apply would change, read from a live object and its managed fields instead of
//! asked for by a dry run.

use serde_json::{Map, Value};

use crate::difference::MAX_POINTERS;
use crate::managed_fields::{FieldSet, entries, item_key, matches};
use crate::pointer::Pointer;

/// Metadata that an apply sets; the rest is the server's.
const APPLIED_METADATA: &[&str] = &["labels", "annotations"];

/// What applying `desired` as `manager` would change in `live`: values that differ, items that are
/// missing or in another order, and fields that the manager owns alone but does not want any more.
/// What the live object has besides is the server's or somebody else's, but for what is merged as
/// one value, such as a selector. Where it can't be told, it is a difference: an object that the
/// manager never applied, or applied in another version, differs as a whole.
pub(crate) fn differences(desired: &Value, live: &Value, manager: &str) -> Vec<Pointer> {
    let entries = entries(live);
    let is_own =
        |entry: &&crate::managed_fields::Entry<'_>| entry.is_apply && entry.manager == manager;
    let own = entries.iter().find(is_own);
    let version = desired.get("apiVersion").and_then(Value::as_str);
    if !own.is_some_and(|own| own.api_version.is_empty() || Some(own.api_version) == version) {
        return vec![Pointer::default()];
    }
    let scope = Scope {
        own: own.map(|entry| entry.fields),
        others: entries
            .iter()
            .filter(|entry| !is_own(entry))
            .map(|entry| entry.fields)
            .collect(),
        in_atomic: false,
    };
    let mut walk = Walk { found: Vec::new() };
    let (Value::Object(desired), Value::Object(live)) = (desired, live) else {
        return vec![Pointer::default()];
    };
    walk.map(
        &applied(desired),
        &applied(live),
        &scope,
        &Pointer::default(),
    );
    walk.found
}

/// The parts of an object that an apply is about.
fn applied(object: &Map<String, Value>) -> Map<String, Value> {
    let mut parts = object.clone();
    parts.shift_remove("status");
    if let Some(Value::Object(metadata)) = parts.get_mut("metadata") {
        metadata.retain(|key, _| APPLIED_METADATA.contains(&key.as_str()));
    }
    parts
}

/// Does `live` hold all of `wanted`, as far as values tell?
pub(crate) fn covers(live: &Value, wanted: &Value) -> bool {
    let mut walk = Walk { found: Vec::new() };
    walk.value(wanted, live, &Scope::default(), &Pointer::default());
    walk.found.is_empty()
}

/// The fields below one place that this manager owns, and those that each other one owns.
#[derive(Default)]
struct Scope<'v> {
    own: Option<&'v FieldSet>,
    others: Vec<&'v FieldSet>,
    /// Part of a value that is merged as one.
    in_atomic: bool,
}

impl<'v> Scope<'v> {
    fn child(&self, segment: &str) -> Self {
        let below = |fields: &&'v FieldSet| fields.get(segment).and_then(Value::as_object);
        Self {
            own: self.own.as_ref().and_then(below),
            others: self.others.iter().filter_map(below).collect(),
            in_atomic: self.is_atomic(),
        }
    }

    /// An apply replaces this value as a whole: somebody owns it, and nothing in it.
    fn is_atomic(&self) -> bool {
        let is_whole = |fields: &FieldSet| fields.is_empty();
        self.in_atomic
            || self.own.is_some_and(is_whole)
            || self.others.iter().copied().any(is_whole)
    }

    /// The segments of own items of a list or set.
    fn items(&self, prefix: &str) -> impl Iterator<Item = &'v str> {
        let segments = self.own.into_iter().flat_map(Map::keys).map(String::as_str);
        segments.filter(move |segment| segment.starts_with(prefix))
    }

    /// Is there something under `segment` that no other manager owns?
    fn is_alone(&self, segment: &str) -> bool {
        let Some(fields) = self.own.and_then(|own| own.get(segment)) else {
            return false;
        };
        match fields.as_object().filter(|fields| !fields.is_empty()) {
            Some(fields) => {
                let below = self.child(segment);
                fields.keys().any(|key| below.is_alone(key))
            }
            None => !self.others.iter().any(|other| other.contains_key(segment)),
        }
    }
}

struct Walk {
    found: Vec<Pointer>,
}

impl Walk {
    fn report(&mut self, at: Pointer) {
        if self.found.len() < MAX_POINTERS {
            self.found.push(at);
        }
    }

    fn value(&mut self, desired: &Value, live: &Value, scope: &Scope<'_>, at: &Pointer) {
        match (desired, live) {
            (Value::Object(desired), Value::Object(live)) => self.map(desired, live, scope, at),
            (Value::Array(desired), Value::Array(live)) => self.list(desired, live, scope, at),
            _ if is_same(desired, live) => {}
            _ => self.report(at.clone()),
        }
    }

    fn map(
        &mut self,
        desired: &Map<String, Value>,
        live: &Map<String, Value>,
        scope: &Scope<'_>,
        at: &Pointer,
    ) {
        for (key, desired) in desired {
            match live.get(key) {
                Some(live) => self.value(
                    desired,
                    live,
                    &scope.child(&format!("f:{key}")),
                    &at.child(key.as_str()),
                ),
                None if desired.is_null() => {}
                None => self.report(at.child(key.as_str())),
            }
        }
        let is_left_over = |key: &str| {
            live.get(key).is_some_and(|live| !is_nothing(live)) && !desired.contains_key(key)
        };
        if scope.is_atomic() {
            for key in live.keys().filter(|key| is_left_over(key)) {
                self.report(at.child(key.as_str()));
            }
            return;
        }
        for segment in scope.items("f:") {
            let key = &segment["f:".len()..];
            if is_left_over(key) && scope.is_alone(segment) {
                self.report(at.child(key));
            }
        }
    }

    fn list(&mut self, desired: &[Value], live: &[Value], scope: &Scope<'_>, at: &Pointer) {
        if let Some(names) = scope.items("k:").find_map(item_key) {
            self.keyed_list(desired, live, &names, scope, at);
        } else if scope.items("v:").next().is_some() {
            self.set(desired, live, scope, at);
        } else if desired.len() == live.len() {
            // Of a list that nobody owns items of, an apply takes nothing over.
            let scope = Scope {
                in_atomic: true,
                ..Scope::default()
            };
            for (index, (desired, live)) in desired.iter().zip(live).enumerate() {
                self.value(desired, live, &scope, &at.child(index.to_string()));
            }
        } else {
            self.report(at.clone());
        }
    }

    /// A list whose items are found by the fields in `names`.
    fn keyed_list(
        &mut self,
        desired: &[Value],
        live: &[Value],
        names: &FieldSet,
        scope: &Scope<'_>,
        at: &Pointer,
    ) {
        let segment_of = |item: &Value| {
            let item = item.as_object()?;
            scope
                .items("k:")
                .find(|segment| item_key(segment).is_some_and(|key| matches(item, &key)))
        };
        // A key that the item leaves out has been defaulted by the server, in an item that is ours.
        let is_same_item = |desired: &Value, live: &Value| {
            let mut is_defaulted = false;
            let is_equal = names
                .keys()
                .all(|name| match (desired.get(name), live.get(name)) {
                    (Some(desired), Some(live)) => is_same(desired, live),
                    (desired, live) => {
                        is_defaulted |= desired.is_some() || live.is_some();
                        true
                    }
                });
            is_equal && (!is_defaulted || segment_of(live).is_some())
        };
        let mut last = None;
        for item in desired {
            let found = live
                .iter()
                .enumerate()
                .find(|(_, live)| is_same_item(item, live));
            match found {
                Some((index, live)) if last.is_none_or(|last| last < index) => {
                    last = Some(index);
                    let scope = segment_of(live)
                        .map(|segment| scope.child(segment))
                        .unwrap_or_default();
                    self.value(item, live, &scope, &at.child(index.to_string()));
                }
                _ => self.report(at.clone()),
            }
        }
        for (index, item) in live.iter().enumerate() {
            let is_wanted = desired.iter().any(|desired| is_same_item(desired, item));
            if !is_wanted && segment_of(item).is_some_and(|segment| scope.is_alone(segment)) {
                self.report(at.child(index.to_string()));
            }
        }
    }

    /// A list of plain values, each of them there once.
    fn set(&mut self, desired: &[Value], live: &[Value], scope: &Scope<'_>, at: &Pointer) {
        let mut rest = live.iter();
        let is_in_order = desired
            .iter()
            .all(|wanted| rest.any(|value| is_same(wanted, value)));
        let is_left_over = live
            .iter()
            .any(|value| !desired.contains(value) && scope.is_alone(&format!("v:{value}")));
        if !is_in_order || is_left_over {
            self.report(at.clone());
        }
    }
}

/// Equal but for the way that a number is written.
fn is_same(desired: &Value, live: &Value) -> bool {
    let is_float = |value: &Value| value.is_f64();
    desired == live
        || (is_float(desired) || is_float(live))
            && matches!((desired.as_f64(), live.as_f64()), (Some(desired), Some(live)) if desired.to_bits() == live.to_bits())
}

/// As good as a field that is not there.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}
