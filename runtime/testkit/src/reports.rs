//! Cases of what is planned and reported of an object: one YAML file each.
#![expect(
    clippy::unwrap_used,
    reason = "only tests call it, and a case that can't be read ends them"
)]

use std::path::Path;

use serde_json::{Value, json};
use tidegate_values::Event;

/// Plays the YAML files of `tests/cases/<set>` of the crate in `manifest_dir`, each with `about`, `proof` and `expect`,
/// and names all that fail.
///
/// Of what `play` makes, only what a case names under `expect` is looked at; the conditions and events of a report must
/// be as expected in all, and are nothing where a case does not name them.
///
/// # Panics
/// When a case fails, or can't be read.
pub fn play(manifest_dir: &str, set: &str, play: impl Fn(&Value) -> Value) {
    let whole: &[&str] = match set {
        "report" => &["conditions", "events"],
        _ => &[],
    };
    let folder = Path::new(manifest_dir).join("tests/cases").join(set);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    let mut failures = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let case = read(&std::fs::read(&file).unwrap());
        assert!(
            case["about"].is_string() && case["proof"].is_string(),
            "{name}: about and proof"
        );
        let actual = play(&case);
        let expected = &case["expect"];
        for part in whole {
            let is_nothing =
                |value: &Value| value.is_null() || value == &json!({}) || value == &json!([]);
            let (expected, actual) = (&expected[*part], &actual[*part]);
            if expected != actual && !(is_nothing(expected) && is_nothing(actual)) {
                failures.push(format!(
                    "{name}: {part}\n  expected {expected:#}\n  but was {actual:#}"
                ));
            }
        }
        compare(expected, &actual, &name, &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Everything that is expected is there; null is as good as nothing.
fn compare(expected: &Value, actual: &Value, at: &str, failures: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(_)) => {
            for (key, expected) in expected {
                compare(expected, &actual[key], &format!("{at}.{key}"), failures);
            }
        }
        _ if expected == actual => {}
        _ => failures.push(format!("{at}: expected {expected}, but was {actual}")),
    }
}

fn read(text: &[u8]) -> Value {
    let value = tidegate_yaml::parse_v2(text).unwrap();
    serde_json::from_str(&tidegate_yaml::to_json(&value).unwrap()).unwrap()
}

/// Merges `change` into `base` (RFC 7386); a change that is nothing at all leaves it as it is.
///
/// # Panics
/// Never: what is indexed was made an object before.
pub fn merge(base: &mut Value, change: &Value) {
    match change {
        Value::Object(change) => {
            if !base.is_object() {
                *base = json!({});
            }
            for (key, value) in change {
                if value.is_null() {
                    base.as_object_mut().unwrap().remove(key);
                } else {
                    merge(&mut base[key], value);
                }
            }
        }
        Value::Null => {}
        change => *base = change.clone(),
    }
}

/// Each as `status reason generation: message`.
pub fn conditions(status: &Value) -> Value {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let lines = conditions.map(|condition| {
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        let line = format!(
            "{} {} {}: {}",
            text("status"),
            text("reason"),
            condition["observedGeneration"],
            text("message")
        );
        (text("type"), Value::String(line))
    });
    Value::Object(lines.collect())
}

/// `severity reason (annotations): message`; annotations by the last part of their names.
pub fn event(event: &Event) -> String {
    let names = event
        .annotations
        .keys()
        .map(|key| key.rsplit('/').next().unwrap());
    let names: Vec<_> = names.collect();
    format!(
        "{:?} {} ({}): {}",
        event.severity,
        event.reason,
        names.join(", "),
        event.message
    )
}
