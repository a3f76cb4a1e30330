//! Compares with what the Go libraries gave. Each file in `tests/cases` holds one input and their outputs for it;
//! its first line names their versions.

#![expect(clippy::disallowed_methods, reason = "the cases are files")]

use std::path::Path;

use tidegate_yaml::{Error, Indent};

/// An input and the outputs that are expected for it, by what is done with it.
struct Case {
    name: String,
    input: Vec<u8>,
    expected: Vec<(String, String)>,
}

impl Case {
    /// Reads the `-- name --` sections of a case.
    fn parse(name: &str, text: &str) -> Self {
        let mut sections: Vec<(String, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let header = line
                .trim_end()
                .strip_prefix("-- ")
                .and_then(|rest| rest.strip_suffix(" --"));
            match (header, sections.last_mut()) {
                (Some(header), _) => sections.push((header.to_owned(), String::new())),
                (None, Some((_, content))) => content.push_str(line),
                (None, None) => assert!(
                    line.starts_with('#'),
                    "{name}: text before the first section"
                ),
            }
        }
        let mut sections =
            sections.into_iter().map(
                |(header, content)| match header.strip_suffix(" (escaped)") {
                    Some(header) => (header.to_owned(), unescape(content.trim_end_matches('\n'))),
                    None => (header, content.into_bytes()),
                },
            );
        let (first, input) = sections.next().unwrap();
        assert_eq!(first, "input", "{name}");
        let expected = sections
            .map(|(header, content)| (header, String::from_utf8(content).unwrap()))
            .collect();
        Self {
            name: name.to_owned(),
            input,
            expected,
        }
    }

    fn run(&self) -> Vec<String> {
        self.expected
            .iter()
            .filter_map(|(action, expected)| self.check(action, expected))
            .collect()
    }

    /// Describes the difference, if there is one.
    fn check(&self, action: &str, expected: &str) -> Option<String> {
        let (action, is_error) = match action.strip_suffix("-error") {
            Some(action) => (action, true),
            None => (action, false),
        };
        let found = match perform(action, &self.input) {
            Ok(text) if !is_error => text,
            Ok(text) => format!("no error, but:\n{text}"),
            Err(error) if is_error => format!("{error}\n"),
            Err(error) => format!("error: {error}\n"),
        };
        (found != expected).then(|| {
            format!(
                "{}, {action}:\n--- expected\n{expected}--- found\n{found}",
                self.name
            )
        })
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next().unwrap() {
            b'n' => bytes.push(b'\n'),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => panic!("unknown escape {}", char::from(other)),
        }
    }
    bytes
}

fn perform(action: &str, input: &[u8]) -> Result<String, Error> {
    match action {
        "canonical" => {
            let mut text = String::new();
            for node in tidegate_yaml::parse_documents(input)? {
                text.push_str(&tidegate_yaml::node_to_canonical_yaml(&node)?);
                text.push_str("---\n");
            }
            Ok(text)
        }
        "v3-json" => {
            let value = match tidegate_yaml::parse_document(input)? {
                Some(node) => tidegate_yaml::decode(&node)?,
                None => tidegate_yaml::Value::Null,
            };
            tidegate_yaml::to_json(&value).map(|json| json + "\n")
        }
        "v3-yaml" => {
            tidegate_yaml::emit_v3_stream(&tidegate_yaml::parse_stream(input)?, Indent::KUSTOMIZE)
        }
        "v3-yaml-wide" => {
            tidegate_yaml::emit_v3_stream(&tidegate_yaml::parse_stream(input)?, Indent::DEFAULT)
        }
        "v2-json" => {
            tidegate_yaml::to_json(&tidegate_yaml::parse_v2(input)?).map(|json| json + "\n")
        }
        other => panic!("unknown section {other}"),
    }
}

#[test]
fn gives_what_the_go_libraries_give() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut count = 0;
    let mut differences = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case = Case::parse(&name, &std::fs::read_to_string(&path).unwrap());
        assert!(!case.expected.is_empty(), "{name} expects nothing");
        differences.extend(case.run());
        count += 1;
    }
    assert!(count >= 100, "only {count} cases found");
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn writes_json_as_yaml_like_sigs_yaml() {
    // Expected texts: sigs.k8s.io/yaml v1.6.0, JSONToYAML.
    let check = |json: &str, yaml: &str| {
        assert_eq!(tidegate_yaml::json_to_yaml(json.as_bytes()).unwrap(), yaml);
    };
    check(
        r#"{"b":[1,{"c":"yes"}],"a":"1"}"#,
        "a: \"1\"\nb:\n- 1\n- c: \"yes\"\n",
    );
    check("\"nel\u{85}here\"", "nel here\n");
    check(
        "[1e21,18446744073709551615,0.5]",
        "- 1e+21\n- 18446744073709551615\n- 0.5\n",
    );
    check(r#"{"a":{},"b":[]}"#, "a: {}\nb: []\n");
    assert_eq!(
        tidegate_yaml::json_to_yaml(b"\"\x7f\"")
            .unwrap_err()
            .to_string(),
        "yaml: control characters are not allowed"
    );
}
