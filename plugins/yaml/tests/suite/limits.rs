//! Deep, wide and self-referring documents: an error at worst, in time that grows with the input.

use std::fmt::Write;

use tidegate_yaml::{
    Value, decode, node_to_canonical_yaml, parse_document, parse_documents, parse_v2,
};

/// All ways to read a text.
fn read_all(text: &str) -> Vec<Result<(), String>> {
    let bytes = text.as_bytes();
    let decoded =
        parse_document(bytes).and_then(|node| node.as_ref().map_or(Ok(Value::Null), decode));
    let expanded =
        parse_document(bytes).and_then(|node| node.map_or(Ok(()), |mut node| node.expand()));
    let canonical = parse_document(bytes).and_then(|node| {
        node.as_ref()
            .map_or(Ok(String::new()), node_to_canonical_yaml)
    });
    [
        parse_documents(bytes).map(drop),
        decoded.map(drop),
        expanded,
        canonical.map(drop),
        parse_v2(bytes).map(drop),
    ]
    .into_iter()
    .map(|result| result.map_err(|error| error.to_string()))
    .collect()
}

fn check_too_deep(text: &str) {
    for result in read_all(text) {
        let problem = result.unwrap_err();
        assert!(problem.ends_with("exceeded max depth of 100"), "{problem}");
    }
}

#[test]
fn nesting_is_capped() {
    check_too_deep(&"[".repeat(100_000));
    check_too_deep(&"- ".repeat(100_000));
    check_too_deep(&"{a: ".repeat(100_000));
    let mut blocks = String::new();
    for depth in 0..600 {
        writeln!(blocks, "{}a:", " ".repeat(depth)).unwrap();
    }
    check_too_deep(&blocks);
}

#[test]
fn nesting_below_the_cap_is_read() {
    let text = format!("a: {}1{}", "[".repeat(99), "]".repeat(99));
    for result in read_all(&text) {
        assert_eq!(result, Ok(()));
    }
}

#[test]
fn aliases_may_not_stack_depth() {
    let mut text = String::new();
    for level in 0..5 {
        let inner = if level == 0 {
            "1".to_owned()
        } else {
            format!("*a{}", level - 1)
        };
        writeln!(
            text,
            "a{level}: &a{level} {}{inner}{}",
            "[".repeat(50),
            "]".repeat(50)
        )
        .unwrap();
    }
    let results = read_all(&text);
    assert_eq!(results[0], Ok(()));
    for result in &results[1..] {
        assert!(
            result
                .as_ref()
                .unwrap_err()
                .ends_with("exceeded max depth of 100"),
            "{result:?}"
        );
    }
}

#[test]
fn billion_laughs_are_stopped() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(text, "a{level}: &a{level} [{items}]").unwrap();
    }
    let results = read_all(&text);
    assert_eq!(results[0], Ok(()));
    for result in &results[1..] {
        assert_eq!(
            result.as_ref().unwrap_err(),
            "yaml: document contains excessive aliasing"
        );
    }
}

#[test]
fn aliases_to_earlier_documents_are_capped() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(text, "---\na{level}: &a{level} [{items}]").unwrap();
    }
    let error = parse_documents(text.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "yaml: document contains excessive aliasing"
    );
}

#[test]
fn an_alias_inside_of_its_anchor_is_an_error() {
    for text in [
        "a: &x [*x]",
        "a: &x {b: *x}",
        "a: &x\n  <<: *x\n",
        "&x [a, {b: [*x]}]",
    ] {
        for result in read_all(text).into_iter().skip(1) {
            assert_eq!(
                result.unwrap_err(),
                "yaml: anchor 'x' value contains itself",
                "{text}"
            );
        }
    }
}

#[test]
fn large_flat_documents_are_read() {
    let mut text = String::new();
    for number in 0..50_000 {
        writeln!(text, "key{number}: value {number}").unwrap();
    }
    for result in read_all(&text) {
        assert_eq!(result, Ok(()));
    }
}

#[test]
fn many_equal_keys_are_one_short_error() {
    let error = decode(
        &parse_document("a: 1\n".repeat(50_000).as_bytes())
            .unwrap()
            .unwrap(),
    )
    .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("mapping key \"a\" already defined at line 1"));
    assert!(text.lines().count() <= 1001);
}
