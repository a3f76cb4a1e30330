use serde_json::{Map, Value, json};

use crate::difference::differences;
use crate::left_alone::left_alone;
use crate::{Pointer, Rules, Upkeep, ownership};

/// A desired object, and what the cluster has of it.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    pub desired: &'a Value,
    /// None: the object does not exist.
    pub live: Option<&'a Value>,
    /// What a server-side dry run of the desired object gave.
    pub dry_run: Option<&'a Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Applying the desired object would change nothing.
    Same,
    /// It would change something.
    Drifted,
    /// All that it would change is to be left alone.
    Ignored,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// What differs: for a drifted object what is not to be left alone, for an ignored one all of
    /// it. At most a hundred. The empty pointer is the object as a whole.
    pub pointers: Vec<Pointer>,
    /// The fields to be left alone should the object be applied, in the order in which that is to
    /// be done: a path may lead into a list that another one makes shorter.
    pub left_alone: Vec<(Pointer, Upkeep)>,
}

/// Judges pairs one by one, in their order.
///
/// With a dry run the verdict is exactly Flux's (fluxcd/pkg, `ssa/manager_diff.go`, `hasDrifted`).
/// Without one it is read from the live object and its managed fields, and what can't be told from
/// them counts as drift: a value that the server writes differently (the quantity `1000m`, say), or
/// one that it defaulted in a list without keys. To apply such an object changes nothing.
pub fn compare<'a>(
    pairs: impl IntoIterator<Item = Pair<'a>>,
    rules: &Rules,
) -> impl Iterator<Item = Judgement> {
    pairs.into_iter().map(move |pair| judge(pair, rules))
}

fn judge(pair: Pair<'_>, rules: &Rules) -> Judgement {
    let judged = |verdict, pointers| Judgement {
        verdict,
        pointers,
        left_alone: Vec::new(),
    };
    let whole = |verdict| judged(verdict, vec![Pointer::default()]);
    let Some(live) = pair.live else {
        return whole(Verdict::Drifted);
    };
    let wanted = pair.dry_run.unwrap_or(pair.desired);
    let ignored = rules.paths(wanted);
    if ignored.contains(&&Pointer::default()) {
        return whole(Verdict::Ignored);
    }
    // A dry run without a version is one of an object that would be created.
    if pair
        .dry_run
        .is_some_and(|dry_run| resource_version(dry_run).is_empty())
    {
        return whole(Verdict::Drifted);
    }
    let differing = |wanted: &Value, live: &Value| match pair.dry_run {
        Some(_) if is_alike(live, wanted) => Vec::new(),
        Some(_) => differences(&comparable(live), &comparable(wanted)),
        None => ownership::differences(wanted, live, rules.manager()),
    };
    let all = differing(wanted, live);
    if ignored.is_empty() {
        let verdict = if all.is_empty() {
            Verdict::Same
        } else {
            Verdict::Drifted
        };
        return judged(verdict, all);
    }
    let rest = differing(&without(wanted, &ignored), &without(live, &ignored));
    let (verdict, pointers) = if all.is_empty() {
        (Verdict::Same, all)
    } else if rest.is_empty() {
        (Verdict::Ignored, all)
    } else {
        (Verdict::Drifted, rest)
    };
    Judgement {
        left_alone: left_alone(&pair, live, rules),
        ..judged(verdict, pointers)
    }
}

fn resource_version(object: &Value) -> &str {
    object
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn without(object: &Value, paths: &[&Pointer]) -> Value {
    let mut object = object.clone();
    for path in paths {
        path.remove(&mut object);
    }
    object
}

/// Whether all that counts is equal: as [`comparable`], without copies, for most objects are.
fn is_alike(live: &Value, wanted: &Value) -> bool {
    let (Value::Object(live), Value::Object(wanted)) = (live, wanted) else {
        return live == wanted;
    };
    let counting = |object: &Map<String, Value>| object.keys().filter(|key| counts(key)).count();
    counting(live) == counting(wanted)
        && ["labels", "annotations"]
            .iter()
            .all(|field| texts(live, field) == texts(wanted, field))
        && live
            .iter()
            .filter(|(key, _)| counts(key))
            .all(|(key, value)| wanted.get(key) == Some(value))
}

/// Labels or annotations; none are as good as an empty map.
fn texts<'v>(object: &'v Map<String, Value>, field: &str) -> Option<&'v Map<String, Value>> {
    let texts = object.get("metadata")?.get(field)?.as_object()?;
    (!texts.is_empty()).then_some(texts)
}

/// Metadata counts by its labels and annotations alone.
fn counts(key: &str) -> bool {
    !matches!(key, "metadata" | "status")
}

/// The part of an object that counts: all but metadata and status, and of metadata the labels and
/// annotations, of which none is as good as an empty map.
fn comparable(object: &Value) -> Value {
    let Value::Object(fields) = object else {
        return object.clone();
    };
    let mut kept: Map<String, Value> = fields
        .iter()
        .filter(|(key, _)| counts(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for key in ["labels", "annotations"] {
        if let Some(texts) = texts(fields, key) {
            let metadata = kept.entry("metadata").or_insert_with(|| json!({}));
            metadata[key] = Value::Object(texts.clone());
        }
    }
    let mut kept = Value::Object(kept);
    if object.get("kind").and_then(Value::as_str) == Some("HorizontalPodAutoscaler") {
        repair_metrics(&mut kept);
    }
    kept
}

/// Servers before 1.27 double the first metric in a dry run and append an empty one (fluxcd/pkg,
/// `ssa/normalize`, `DryRunUnstructured`; kubernetes/kubernetes#118293).
fn repair_metrics(object: &mut Value) {
    let Some(metrics) = object
        .pointer_mut("/spec/metrics")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    let mut kept: Vec<Value> = Vec::with_capacity(metrics.len());
    for metric in metrics.drain(..) {
        let kind = metric
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !kind.is_empty() && !kept.contains(&metric) {
            kept.push(metric);
        }
    }
    *metrics = kept;
}
