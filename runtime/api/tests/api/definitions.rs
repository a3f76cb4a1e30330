use serde_json::Value;
use tidegate_api::{Labels, all_definitions};

/// Collects the places whose schema has no description.
fn undescribed(schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            let path = format!("{path}.{name}");
            // Kubernetes describes an object's metadata by itself.
            if property["description"].as_str().is_none_or(str::is_empty) && path != ".metadata" {
                found.push(path.clone());
            }
            undescribed(property, &path, found);
        }
    }
    if schema["items"].is_object() {
        undescribed(&schema["items"], path, found);
    }
}

#[test]
fn every_field_is_described_in_one_line() {
    for (file, definition) in all_definitions(&Labels::new()) {
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut found = Vec::new();
        undescribed(schema, "", &mut found);
        assert!(found.is_empty(), "{file}: no description of {found:?}");
        assert!(
            !definition.to_string().contains("\\n"),
            "{file}: a description has line ends"
        );
    }
}

#[test]
fn no_schema_has_what_the_api_server_refuses() {
    for (file, definition) in all_definitions(&Labels::new()) {
        let text = definition.to_string();
        for word in [
            "\"$ref\"",
            "\"anyOf\"",
            "\"nullable\"",
            "\"x-default\"",
            "\"$defs\"",
            "\"title\"",
        ] {
            assert!(!text.contains(word), "{file} has {word}");
        }
    }
}

#[test]
fn the_flux_command_finds_the_definitions_by_their_labels() {
    let version = Labels::from([("app.kubernetes.io/version".to_owned(), "v2.9.4".to_owned())]);
    for (file, definition) in all_definitions(&version) {
        let labels = &definition["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/part-of"], "flux", "{file}");
        assert_eq!(labels["app.kubernetes.io/version"], "v2.9.4", "{file}");
        let name = definition["metadata"]["name"].as_str().unwrap();
        let (plural, group) = name.split_once('.').unwrap();
        assert_eq!(file, format!("{group}_{plural}.yaml"));
    }
}
