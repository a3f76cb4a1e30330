use serde_json::{Map, Value, json};

use crate::difference::differences;
use crate::{Pointer, Rules, ownership};

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
}

/// Judges pairs one by one, in their order.
///
/// With a dry run the verdict is exactly Flux's (fluxcd/pkg, `ssa/manager_diff.go`, `hasDrifted`).
/// Without one it is read from the live object and its managed fields: a drift is never missed, but
/// a value that the server writes differently (the quantity `1000m`, say) counts as one.
pub fn compare<'a>(
    pairs: impl IntoIterator<Item = Pair<'a>>,
    rules: &Rules,
) -> impl Iterator<Item = Judgement> {
    pairs.into_iter().map(move |pair| judge(pair, rules))
}

fn judge(pair: Pair<'_>, rules: &Rules) -> Judgement {
    let whole = |verdict| Judgement {
        verdict,
        pointers: vec![Pointer::default()],
    };
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
        Some(_) => differences(&comparable(live), &comparable(wanted)),
        None => ownership::differences(wanted, live, rules.manager()),
    };
    let all = differing(wanted, live);
    if all.is_empty() {
        return Judgement {
            verdict: Verdict::Same,
            pointers: all,
        };
    }
    if ignored.is_empty() {
        return Judgement {
            verdict: Verdict::Drifted,
            pointers: all,
        };
    }
    let rest = differing(&without(wanted, &ignored), &without(live, &ignored));
    if rest.is_empty() {
        Judgement {
            verdict: Verdict::Ignored,
            pointers: all,
        }
    } else {
        Judgement {
            verdict: Verdict::Drifted,
            pointers: rest,
        }
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

/// The part of an object that counts: all but metadata and status, and of metadata the labels and
/// annotations, of which none is as good as an empty map.
fn comparable(object: &Value) -> Value {
    let Value::Object(fields) = object else {
        return object.clone();
    };
    let counts = |(key, _): &(&String, &Value)| !matches!(key.as_str(), "metadata" | "status");
    let mut kept: Map<String, Value> = fields
        .iter()
        .filter(counts)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for key in ["labels", "annotations"] {
        let texts = object
            .pointer(&format!("/metadata/{key}"))
            .and_then(Value::as_object);
        if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
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
