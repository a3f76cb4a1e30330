//! What a plugin emits is read by the host: whatever it is, reading it ends soon and takes little, with an error that says
//! why, and what good plugins emit is read all the while. The sandbox's attacks have the same harness.

#[path = "../../../sandbox/tests/shared/harness.rs"]
mod harness;
#[path = "../../../sandbox/tests/shared/tree.rs"]
mod tree;

use super::read;
use harness::{Bounds, Harness};
use serde_json::json;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;
use tidegate_sandbox::{Call, Sandbox, SandboxConfig};
use tree::MemoryTree;

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

/// Set in the process that has the attacks to itself.
const ALONE: &str = "TIDEGATE_TEST_ALONE";

const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(20),
    memory: 256 << 20,
};

/// Memory is a process's, and other tests run in this one: the attacks get one of their own.
#[test]
fn bombs_that_a_plugin_emits_end_soon() {
    #[expect(
        clippy::disallowed_methods,
        reason = "which of the two processes this is"
    )]
    let alone = std::env::var_os(ALONE).is_some();
    if alone {
        return attack();
    }
    let (_, module) = module_path!().split_once("::").expect("a crate");
    let test = format!("{module}::bombs_that_a_plugin_emits_end_soon");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &test, "--nocapture"])
        .env(ALONE, "")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Renders a folder again and again, and reads what comes out.
fn beside() -> Harness {
    let sandbox = Sandbox::new(SandboxConfig {
        results: 0,
        ..SandboxConfig::controller()
    });
    let kustomize = sandbox.expect("sandbox").builtin("kustomize");
    let kustomize = kustomize.expect("run `cargo xtask plugins` first");
    let tree = MemoryTree::of(&[
        ("kustomization.yaml", "resources:\n- good.yaml\n"),
        (
            "good.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\n",
        ),
    ]);
    let call = Call {
        source: Some(tree.shared()),
        ..Call::default()
    };
    Harness::start(move || {
        let report = kustomize.render(call.clone());
        assert_eq!(report.outcome, Ok(()));
        let good = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "good"}});
        assert_eq!(read(&report.emissions[0].bytes), Ok(good));
    })
}

fn attack() {
    let harness = beside();
    for (name, bytes, expected) in bombs() {
        let result = harness.attack(name, BOUNDS, move || read(&bytes));
        let text = result.as_ref().err().cloned().unwrap_or_default();
        assert_eq!(result.is_err(), expected.is_some(), "{name}: {text}");
        assert!(
            text.contains(expected.unwrap_or_default()),
            "{name}: {text}"
        );
        assert!(text.len() < 500, "{name}: {} bytes of text", text.len());
    }
}
