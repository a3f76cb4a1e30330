//! What a plugin emits is read by the host: whatever it is, reading it ends soon, with an error that says why.

use super::read;
use std::fmt::Write as _;
use std::time::Duration;
use std::time::Instant;

fn laughs() -> String {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let inner = format!("*a{}, ", level - 1).repeat(9);
        let _ = writeln!(text, "a{level}: &a{level} [{inner}]");
    }
    text
}

/// What was emitted, and what the error says. `None`: it is read.
fn bombs() -> Vec<(&'static str, Vec<u8>, Option<&'static str>)> {
    let text = |text: String| text.into_bytes();
    vec![
        (
            "aliases that multiply",
            text(laughs()),
            Some("document contains excessive aliasing"),
        ),
        (
            "an alias of itself",
            text("a: &a [*a]\n".to_owned()),
            Some("contains itself"),
        ),
        (
            "a merge of itself",
            text("a: &a {<<: *a, b: 1}\n".to_owned()),
            Some("contains itself"),
        ),
        (
            "lists in lists",
            text("[".repeat(10_000)),
            Some("exceeded max depth"),
        ),
        (
            "mappings in mappings",
            text("{a: ".repeat(10_000)),
            Some("exceeded max depth"),
        ),
        (
            "lists in lists as JSON",
            text(format!(
                "{{\"a\": {}{}}}",
                "[".repeat(10_000),
                "]".repeat(10_000)
            )),
            Some("exceeded max depth"),
        ),
        (
            "a scalar of 32 MiB",
            text(format!("a: {}\n", "x".repeat(32 << 20))),
            None,
        ),
        (
            "a number of a million digits",
            text(format!("a: {}\n", "9".repeat(1_000_000))),
            None,
        ),
        (
            "a number beyond all others",
            text("a: 1e999999\n".to_owned()),
            None,
        ),
        (
            "a hundred thousand keys",
            text((0..100_000).fold(String::new(), |text, key| text + &format!("k{key}: 1\n"))),
            None,
        ),
        (
            "keys that are there twice",
            text("a: 1\na: 2\n".to_owned()),
            None,
        ),
        (
            "NUL",
            b"a: \0\n".to_vec(),
            Some("control characters are not allowed"),
        ),
        ("no UTF-8", b"a: \xff\xfe\n".to_vec(), Some("UTF-8")),
        (
            "documents without end",
            text("---\na: 1\n".repeat(100_000)),
            None,
        ),
        (
            "an endless text",
            text(format!("a: \"{}", "x".repeat(1 << 20))),
            Some("found unexpected end of stream"),
        ),
    ]
}

#[test]
fn bombs_that_a_plugin_emits_end_soon() {
    for (name, bytes, expected) in bombs() {
        let began = Instant::now();
        // On a stack as small as those that read.
        let result = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || read(&bytes))
            .expect("a thread")
            .join()
            .expect("no panic");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
        let text = result.as_ref().err().cloned().unwrap_or_default();
        assert_eq!(result.is_err(), expected.is_some(), "{name}: {text}");
        assert!(
            text.contains(expected.unwrap_or_default()),
            "{name}: {text}"
        );
        assert!(text.len() < 500, "{name}: {} bytes of text", text.len());
    }
}
