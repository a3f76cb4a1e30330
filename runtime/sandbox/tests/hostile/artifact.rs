//! 10: files that are bombs to read, through the built-in that reads them. An artifact may hold anything: the build
//! fails with an error that names the file, within the limits of the plugin, and another one beside it is unaffected.

use crate::harness::{Bounds, Harness};
use crate::suite::{alone, config};
use crate::tree::MemoryTree;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tidegate_sandbox::{Call, Failure, Limits, PluginPre, Sandbox};

fn laughs() -> String {
    let mut text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: laughs}\nlol:\n  a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let inner = format!("*a{}, ", level - 1).repeat(9);
        let _ = writeln!(text, "  a{level}: &a{level} [{inner}]");
    }
    text
}

/// The file, and what the error says. `None`: it is read.
fn bombs() -> Vec<(&'static str, String, Option<&'static str>)> {
    let object = |data: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bomb\ndata:\n  k: {data}\n")
    };
    vec![
        (
            "aliases that multiply",
            laughs(),
            Some("'bomb.yaml': yaml: document contains excessive aliasing"),
        ),
        (
            "an alias of itself",
            object("&a [*a]"),
            Some("'bomb.yaml': yaml: anchor 'a' value contains itself"),
        ),
        (
            "a merge of itself",
            object("&a {<<: *a}"),
            Some("'bomb.yaml': yaml: anchor 'a' value contains itself"),
        ),
        (
            "lists in lists",
            object(&"[".repeat(10_000)),
            Some("yaml: line 6: exceeded max depth of 100 in File: bomb.yaml"),
        ),
        (
            "mappings in mappings",
            object(&"{a: ".repeat(10_000)),
            Some("yaml: line 6: exceeded max depth of 100 in File: bomb.yaml"),
        ),
        (
            "indented without end",
            (0..10_000).fold(String::new(), |text, depth| {
                text + &" ".repeat(depth) + "a:\n"
            }),
            Some("yaml: line 101: exceeded max depth of 100 in File: bomb.yaml"),
        ),
        ("a scalar of 16 MiB", object(&"x".repeat(16 << 20)), None),
        (
            "a file beyond the limit",
            object(&"x".repeat(65 << 20)),
            Some("read /bomb.yaml: file is too large"),
        ),
        (
            "a number of a million digits",
            object(&"9".repeat(1_000_000)),
            None,
        ),
        (
            "NUL",
            object("\"\0\""),
            Some("yaml: control characters are not allowed in File: bomb.yaml"),
        ),
        (
            "no object at all",
            "x".repeat(1 << 20),
            Some("'bomb.yaml': missing Resource metadata"),
        ),
        ("documents without end", "---\n".repeat(1_000_000), None),
        (
            "the same object again and again",
            object("v")
                .replace("apiVersion", "---\napiVersion")
                .repeat(2000),
            Some("'bomb.yaml': may not add resource with an already registered id"),
        ),
    ]
}

fn build(plugin: &PluginPre, file: &str, text: &str) -> tidegate_sandbox::CallReport {
    let tree = MemoryTree::of(&[
        ("kustomization.yaml", &format!("resources:\n- {file}\n")),
        (file, text),
    ]);
    plugin.render(Call {
        tenant: "team".to_owned(),
        source: Some(tree.shared()),
        limits: Some(Limits {
            wall: Duration::from_mins(1),
            ..Limits::BUILTIN
        }),
        ..Call::default()
    })
}

const BOUNDS: Bounds = Bounds {
    within: Duration::from_mins(1),
    memory: 500 << 20,
};

#[test]
fn files_that_are_bombs_end_soon_and_are_named() {
    const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\n";
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let plugin = sandbox
        .builtin("kustomize")
        .expect("run `cargo xtask plugins` first");
    let good = Arc::clone(&plugin);
    let harness = Harness::start(move || {
        let report = build(&good, "good.yaml", GOOD);
        assert_eq!(report.outcome, Ok(()));
        assert_eq!(report.emissions[0].bytes, GOOD.as_bytes());
    });
    for (name, file, expected) in bombs() {
        let plugin = Arc::clone(&plugin);
        let report = harness.attack(name, BOUNDS, move || build(&plugin, "bomb.yaml", &file));
        assert!(report.usage.peak_memory <= Limits::BUILTIN.memory, "{name}");
        let failure = report.outcome.err();
        let text = failure
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        assert_eq!(
            failure.as_ref().map(Failure::name),
            expected.map(|_| "invalid_input"),
            "{name}: {text}"
        );
        assert!(
            text.contains(expected.unwrap_or_default()),
            "{name}: {text}"
        );
        assert!(text.len() < 500, "{name}: {} bytes of text", text.len());
    }
}
