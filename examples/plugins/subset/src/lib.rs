//! A drift check: an object has drifted where it lacks something that is desired, or has it otherwise. What is there
//! beyond that is nobody's business, and lists are compared whole.
//!
//! Configuration: `{"keep": ["/spec/replicas", …]}`, fields that are never drift and stay as they are live. What the host
//! adds (`fieldManager`, `ignore`) is not looked at.

use serde::Deserialize;
use serde_json::Value;
use tidegate_guest::{Comparer, Description, Failure, Pair, Request, Upkeep, Verdict, failure};

struct Subset;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    keep: Vec<String>,
}

impl Comparer for Subset {
    fn describe() -> Description {
        tidegate_guest::describe!("Finds what is desired and not there.")
    }

    fn compare(request: &Request, pairs: Vec<Pair>) -> Result<(), Failure> {
        // The text of the error would show values, which may be secret.
        let config: Config = serde_json::from_str(&request.config()).map_err(|error| {
            let what = error.classify();
            failure::invalid(
                "config",
                format!("the configuration cannot be read ({what:?})"),
            )
        })?;
        for pair in pairs {
            judge(&pair, &config.keep)?;
        }
        Ok(())
    }
}

fn judge(pair: &Pair, keep: &[String]) -> Result<(), Failure> {
    let Some(live) = pair.live() else {
        // All of it is missing.
        pair.judge(Verdict::Drifted, &[]);
        return Ok(());
    };
    let (desired, live) = (object(&pair.desired())?, object(&live)?);
    let mut found = Vec::new();
    compare(&desired, Some(&live), &mut String::new(), &mut found);
    found.retain(|pointer| !keep.contains(pointer));
    for pointer in keep {
        if live.pointer(pointer).is_some() {
            pair.leave(pointer, Upkeep::Adopt);
        }
    }
    let verdict = if found.is_empty() {
        Verdict::Same
    } else {
        Verdict::Drifted
    };
    pair.judge(verdict, &found);
    Ok(())
}

/// Adds to `found` the pointers of what is desired at `pointer`, and is not live.
fn compare(desired: &Value, live: Option<&Value>, pointer: &mut String, found: &mut Vec<String>) {
    if let (Value::Object(fields), Some(Value::Object(live))) = (desired, live) {
        let length = pointer.len();
        for (name, value) in fields {
            pointer.push('/');
            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            compare(value, live.get(name), pointer, found);
            pointer.truncate(length);
        }
    } else if live != Some(desired) {
        found.push(pointer.clone());
    }
}

fn object(json: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(json).map_err(|_| failure::internal("the host sent no JSON"))
}

tidegate_guest::export_comparer!(Subset);
