//! Our definitions against those of Flux, which are fetched as Go modules and not kept. Descriptions are our own.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_api::{Labels, all_definitions};

/// The module that has each definition of ours.
const MODULES: &[(&str, &str)] = &[
    (
        "kustomize.toolkit.fluxcd.io_kustomizations.yaml",
        "github.com/fluxcd/kustomize-controller@v1.9.4",
    ),
    (
        "source.toolkit.fluxcd.io_gitrepositories.yaml",
        "github.com/fluxcd/source-controller@v1.9.4",
    ),
];

/// What Go says when it reaches no proxy, rather than that the proxy has no such module.
const UNREACHABLE: &[&str] = &[
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection re",
    "TLS handshake",
    "proxyconnect",
    "disabled by GOPROXY",
];

/// The folder of a Go module, or why it can't be fetched here.
fn module(name: &str) -> Result<PathBuf, String> {
    let go = ["go", "/usr/local/go/bin/go"]
        .into_iter()
        .find(|go| Command::new(go).arg("version").output().is_ok());
    let mut download = Command::new(go.ok_or("Go is not installed")?);
    download
        .args(["mod", "download", "-json", name])
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=mod");
    let output = download
        .current_dir(std::env::temp_dir())
        .output()
        .map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if let Some(folder) = answer["Dir"].as_str() {
        return Ok(folder.into());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let error = answer["Error"].as_str().unwrap_or(&errors);
    assert!(
        UNREACHABLE.iter().any(|words| error.contains(words)),
        "{name}: {error}"
    );
    Err("the Go module proxy can't be reached".to_owned())
}

/// The definition with descriptions left out, and what carries no meaning put in one order.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            // A field that is called so has a schema; a description is a text.
            .filter(|(name, value)| name != "description" || !value.is_string())
            .map(|(name, value)| {
                let value = sort_names(&name, normal(value));
                (name, value)
            })
            .collect(),
        Value::Array(elements) => elements.into_iter().map(normal).collect(),
        other => other,
    }
}

/// The order of the names of required fields says nothing.
fn sort_names(name: &str, mut value: Value) -> Value {
    if let ("required", Some(names)) = (name, value.as_array_mut()) {
        names.sort_by_key(ToString::to_string);
    }
    value
}

/// The places where two definitions differ, with both sides.
fn differences(ours: &Value, theirs: &Value, path: &str, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<_> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                differences(&ours[name], &theirs[name], &format!("{path}.{name}"), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differences(one, other, &format!("{path}[{index}]"), found);
            }
        }
        _ if ours != theirs => found.push(format!("{path}: ours {ours}, Flux's {theirs}")),
        _ => {}
    }
}

fn read_upstream(folder: &Path, file: &str) -> Value {
    let path = folder.join("config/crd/bases").join(file);
    let text = std::fs::read(&path).expect("the module has the definition");
    let value = tidegate_yaml::parse_v2(&text).expect("YAML");
    let json = tidegate_yaml::to_json(&value).expect("data that fits JSON");
    serde_json::from_str(&json).expect("JSON")
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "a comparison that can't be made must be told"
)]
fn definitions_are_those_of_flux_but_for_the_descriptions() {
    for (file, mut ours) in all_definitions(&Labels::new()) {
        let (_, name) = MODULES.iter().find(|(named, _)| *named == file).unwrap();
        let folder = match module(name) {
            Ok(folder) => folder,
            Err(reason) => {
                eprintln!("{file} is not compared with {name}: {reason}");
                continue;
            }
        };
        let mut theirs = read_upstream(&folder, &file);
        assert_eq!(theirs["kind"], "CustomResourceDefinition");
        // `flux install` adds the labels, and only the generator's version is left out.
        ours["metadata"].as_object_mut().unwrap().remove("labels");
        theirs["metadata"]["annotations"]
            .as_object_mut()
            .unwrap()
            .remove("controller-gen.kubebuilder.io/version");
        let mut found = Vec::new();
        differences(&normal(ours), &normal(theirs), "", &mut found);
        assert!(found.is_empty(), "{file}:\n{}", found.join("\n"));
    }
}

#[test]
fn a_difference_is_told_with_its_place() {
    let definition = |pattern: &str| serde_json::json!({"spec": {"description": pattern, "required": ["b", pattern], "names": [{"pattern": pattern}]}});
    let mut found = Vec::new();
    differences(
        &normal(definition("a")),
        &normal(definition("c")),
        "",
        &mut found,
    );
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], ".spec.names[0].pattern: ours \"a\", Flux's \"c\"");
}
