//! A renderer: makes one ConfigMap of the files in a folder.
//!
//! Configuration: `{"name": "…"}`.

use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tidegate_guest::{
    Description, EntryKind, Failure, Format, Location, Renderer, Request, Role, Sink, failure,
};

struct ConfigMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
}

impl Renderer for ConfigMap {
    fn describe() -> Description {
        tidegate_guest::describe!(
            "Makes one ConfigMap of the files in a folder.",
            r#"{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}"#
        )
    }

    fn render(request: &Request, sink: &Sink) -> Result<(), Failure> {
        // The text of the error would show values, which may be secret.
        let config: Config = serde_json::from_str(&request.config()).map_err(|error| {
            let what = error.classify();
            failure::invalid(
                "config",
                format!("the configuration cannot be read ({what:?})"),
            )
        })?;
        let source = request
            .source()
            .ok_or_else(|| failure::internal("there is no source"))?;
        let path = request.path();
        let folder = source
            .subtree(&path)
            .map_err(|error| failure::read(&path, error))?;
        let entries = folder
            .entries(".")
            .map_err(|error| failure::read(&path, error))?;
        let mut data = BTreeMap::new();
        for entry in entries {
            if entry.kind != EntryKind::File {
                continue;
            }
            let bytes = folder
                .read(&entry.name)
                .map_err(|error| failure::read(&entry.name, error))?;
            let text = String::from_utf8(bytes)
                .map_err(|_| failure::invalid_at("utf8", "it is not UTF-8", start(&entry.name)))?;
            data.insert(entry.name, text);
        }
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": config.name},
            "data": data,
        });
        let text = object.to_string();
        sink.emit(Role::Manifest, Format::Json, text.as_bytes(), None)
            .map_err(failure::closed)
    }
}

/// The beginning of a file.
fn start(path: &str) -> Location {
    Location {
        path: path.to_owned(),
        index: 0,
        line: 1,
        column: 1,
    }
}

tidegate_guest::export_renderer!(ConfigMap);
