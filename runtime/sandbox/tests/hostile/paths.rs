//! 18: paths that try to leave the tree. The tree itself asserts that it never sees one.

use crate::suite::{BOUNDS, alone, call, config};
use crate::{component, neighbour};
use std::sync::Arc;
use tidegate_sandbox::{Call, Sandbox};

/// Reads the file that the configuration names, and emits the first two bytes of the answer: 0 for content, else 1
/// and the case of the error.
const READER: &str = "(module
  (import %inputs \"[method]request.source\" (func $source (param i32 i32)))
  (import %inputs \"[method]request.config\" (func $config (param i32 i32)))
  (import %inputs \"[method]tree.read\" (func $read (param i32 i32 i32 i32)))
  (import %outputs \"[method]sink.emit\" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export \"memory\") 2)
  (func (export %render) (param $request i32) (param $sink i32) (result i32)
    (call $source (local.get $request) (i32.const 16))
    (call $config (local.get $request) (i32.const 32))
    (call $read (i32.load (i32.const 20)) (i32.load (i32.const 32)) (i32.load (i32.const 36)) (i32.const 48))
    (i32.store8 (i32.const 49) (i32.load8_u (i32.const 52)))
    (call $emit (local.get $sink) (i32.const 0) (i32.const 0) (i32.const 48) (i32.const 2)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    %end)
  %realloc
  %describe
)";

const NOT_FOUND: [u8; 2] = [1, 0];
const NOT_A_FILE: [u8; 2] = [1, 1];
const DENIED: [u8; 2] = [1, 4];

#[test]
fn no_path_leaves_the_tree() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let plugin = sandbox
        .load(&component::of_module(READER))
        .expect("a reader");
    let harness = neighbour::beside(&sandbox);
    let read = |path: &str| {
        let call = Call {
            config: path.to_owned(),
            ..call()
        };
        let attacking = Arc::clone(&plugin);
        let report = harness.attack(path, BOUNDS, move || attacking.render(call));
        assert_eq!(report.outcome, Ok(()), "{path:?}");
        (report.emissions[0].bytes.to_vec(), report.trace)
    };
    assert_eq!(read("a/b.yaml").0[0], 0);
    assert_eq!(read(".").0, NOT_A_FILE);
    let long = format!("a/{}", "x".repeat(5000));
    for path in [
        "..",
        "../a/b.yaml",
        "/etc/passwd",
        "/",
        "//",
        "a/../../etc/passwd",
        "a/..",
        "a/./b.yaml",
        "./a/b.yaml",
        "a//b.yaml",
        "a/b.yaml/",
        "a/",
        "a/b.yaml\0",
        "\0",
        "a\0/../../etc/passwd",
        "//etc/passwd",
        &long,
    ] {
        let (answer, trace) = read(path);
        assert_eq!(answer, DENIED, "{path:?}");
        assert!(
            !format!("{trace:?}").contains("File("),
            "{path:?} was asked of the tree"
        );
    }
    // Other systems' separators and look-alikes are ordinary characters here: such names are not in the tree.
    for path in [
        "..\\a",
        "C:\\windows",
        "C:/windows",
        "a\\..\\..\\etc",
        "\u{2025}/etc",
        "\u{ff0e}\u{ff0e}/etc",
        "%2e%2e/etc",
        "a/B.YAML",
        "A/b.yaml",
        "...",
        "~/x",
        "$HOME",
        "a/b.yaml ",
    ] {
        assert_eq!(read(path).0, NOT_FOUND, "{path:?}");
    }
}
