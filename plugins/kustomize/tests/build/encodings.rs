//! Files that are not UTF-8: what cannot be read is refused with the words of kustomize v5.8.1 (recorded from it), and
//! never applied in a changed form.

use tidegate_kustomize::{Options, build};

use crate::memory_files::{MemoryFiles, ROOT};

const RESOURCE: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: \"";

/// What a build with these files says, or that it has no error.
fn error(files: &[(&str, &[u8])]) -> String {
    let files = files.iter().map(|(path, content)| (*path, *content));
    match build(&MemoryFiles::new(files), ROOT, &Options::default()) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn of_resource(content: &[u8]) -> String {
    error(&[
        ("kustomization.yaml", b"resources: [a.yaml]\n"),
        ("a.yaml", content),
    ])
}

#[track_caller]
fn check_resource(content: &[u8], expected: &str) {
    assert_eq!(
        of_resource(content),
        format!(
            "accumulating resources: accumulating resources from 'a.yaml': \
             MalformedYAMLError: yaml: {expected} in File: a.yaml"
        ),
        "{:?}",
        content.escape_ascii().to_string()
    );
}

#[test]
fn resources_with_invalid_sequences_are_refused() {
    const LEADING: &str = "invalid leading UTF-8 octet";
    const TRAILING: &str = "invalid trailing UTF-8 octet";
    const LENGTH: &str = "invalid length of a UTF-8 sequence";
    const CHARACTER: &str = "invalid Unicode character";
    let cases: [(&[u8], &str); 15] = [
        (b"\x80x", LEADING),
        (b"\xffx", LEADING),
        (b"\xfe\xfe", LEADING),
        (b"\xf8\x88\x80\x80\x80", LEADING),
        (b"\xc3(", TRAILING),
        (b"\xe2\x28\xa1", TRAILING),
        (b"\xe2\x82\x28", TRAILING),
        // Latin 1.
        (b"\xe9t\xe9", TRAILING),
        (b"\xc0\xaf", LENGTH),
        (b"\xe0\x80\xaf", LENGTH),
        (b"\xf0\x80\x80\xaf", LENGTH),
        // A surrogate, and what lies beyond the last character.
        (b"\xed\xa0\x80", CHARACTER),
        (b"\xf4\x90\x80\x80", CHARACTER),
        (b"\xf5\x80\x80\x80", CHARACTER),
        (b"\xef\xbf\xbe", "control characters are not allowed"),
    ];
    for (bytes, expected) in cases {
        check_resource(&[RESOURCE, bytes, b"\"\n"].concat(), expected);
    }
    for bytes in [&b"\xc3"[..], b"\xe2\x82", b"\xf0"] {
        let content = [&RESOURCE[..RESOURCE.len() - 1], bytes].concat();
        check_resource(&content, "incomplete UTF-8 octet sequence");
    }
}

#[test]
fn the_place_in_a_resource_does_not_matter() {
    const EXPECTED: &str = "invalid trailing UTF-8 octet";
    check_resource(&[b"# caf\xe9 x\n", RESOURCE, b"x\"\n"].concat(), EXPECTED);
    let windows = [b"# caf\xe9 x\r\n", RESOURCE, b"x\"\r\n"].concat();
    check_resource(&windows, EXPECTED);
    let second = [RESOURCE, b"x\"\n---\n", RESOURCE, b"\xe9x\"\n"].concat();
    check_resource(&second, EXPECTED);
    // A mistake in the same piece of the text comes later, one in a piece before it comes first.
    check_resource(b"a: b: c\nd: \xe9x\n", EXPECTED);
    let far = [b"a: b: c\n", "#".repeat(70_000).as_bytes(), b"\nd: \xe9x\n"].concat();
    check_resource(&far, "mapping values are not allowed in this context");
}

#[test]
fn resources_in_utf_16_are_read() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";
    let units = || std::iter::once(0xFEFF).chain(text.encode_utf16());
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for content in [&little, &big] {
        assert_eq!(of_resource(content), "no error");
    }
    let odd = [&little[..], b"a"].concat();
    check_resource(&odd, "incomplete UTF-16 character");
    let low = [&little[..], b"\x00\xdc"].concat();
    check_resource(&low, "unexpected low surrogate area");
    let high = [&little[..], b"\x00\xd8a\x00\n\x00"].concat();
    check_resource(&high, "expected low surrogate area");
}

#[test]
fn other_files_are_refused() {
    let resource = [RESOURCE, b"x\"\n"].concat();
    let wrong = [RESOURCE, b"\xe9x\"\n"].concat();
    let malformed = "MalformedYAMLError: yaml: invalid trailing UTF-8 octet in File: p.yaml";
    let cases: [(&str, &[u8], &str); 8] = [
        ("patchesStrategicMerge: [p.yaml]", &wrong, malformed),
        ("generators: [p.yaml]", &wrong, malformed),
        ("transformers: [p.yaml]", &wrong, malformed),
        (
            "patches: [{path: p.yaml}]",
            &wrong,
            "unable to parse SM or JSON patch from [path: \"p.yaml\"]",
        ),
        (
            "patches: [{path: p.yaml, target: {kind: ConfigMap}}]",
            b"- op: replace\n  path: /data/a\n  value: \"\xe9x\"\n",
            "unable to parse SM or JSON patch from [path: \"p.yaml\"]",
        ),
        (
            "replacements: [{path: p.yaml}]",
            b"source:\n  kind: \"\xe9x\"\n",
            "error converting YAML to JSON: yaml: invalid trailing UTF-8 octet",
        ),
        (
            "configurations: [p.yaml]",
            b"namePrefix:\n- path: \"\xe9x\"\n",
            "error converting YAML to JSON: yaml: invalid trailing UTF-8 octet",
        ),
        ("# \u{e9}", b"", "no error"),
    ];
    for (field, content, expected) in cases {
        let kustomization = format!("resources: [a.yaml]\n{field}\n");
        let error = error(&[
            ("kustomization.yaml", kustomization.as_bytes()),
            ("a.yaml", &resource),
            ("p.yaml", content),
        ]);
        assert!(error.contains(expected), "{field}: {error}");
    }
    let error = error(&[
        ("kustomization.yaml", b"resources: [a.yaml]\n# \xe9\n"),
        ("a.yaml", &resource),
    ]);
    let expected = "invalid Kustomization: yaml: incomplete UTF-8 octet sequence";
    assert!(error.contains(expected), "{error}");
}
