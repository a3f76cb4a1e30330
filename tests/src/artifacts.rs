//! What the artifacts of sources hold, as anybody gets them over HTTP.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tidegate_testkit::Reference;
use tidegate_testkit::tidegate::http_get_bytes;

use crate::matching::differences;
use crate::play::Case;

impl Case<'_> {
    /// Compares each artifact with a pattern: a list has the paths of all its files, a mapping paths and contents.
    pub(crate) fn unmet_artifacts(
        &self,
        artifacts: &BTreeMap<String, Value>,
        found: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        for (name, pattern) in artifacts {
            let name = Reference::parse(&self.fill(name)?)?;
            let object = self.world.cluster.get(&name, self.namespace())?;
            let url = object
                .as_ref()
                .map(|object| &object["status"]["artifact"]["url"]);
            let Some(url) = url.and_then(Value::as_str) else {
                found.push(format!("{name}: there is no artifact"));
                continue;
            };
            // One that was replaced a moment ago is asked for again.
            let Ok(files) = files(url) else {
                found.push(format!("{name}: {url} gives no artifact"));
                continue;
            };
            let held = match pattern {
                Value::Array(_) => json!(files.keys().collect::<Vec<_>>()),
                _ => json!(files),
            };
            let differences = differences(&self.fill_value(pattern)?, &held);
            found.extend(
                differences
                    .iter()
                    .map(|text| format!("{name}: files{text}")),
            );
        }
        Ok(())
    }
}

/// The files of an artifact with what they hold.
fn files(url: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let rest = url.strip_prefix("http://127.0.0.1:");
    let (port, path) = rest
        .and_then(|rest| rest.split_once('/'))
        .context("artifacts are served on loopback")?;
    let (status, body) =
        http_get_bytes(port.parse()?, &format!("/{path}")).context("there is no answer")?;
    ensure!(status == 200, "the answer is {status}");
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(&body[..])).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(path, String::from_utf8_lossy(&content).into_owned());
    }
    Ok(files)
}
