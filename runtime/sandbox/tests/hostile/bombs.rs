//! 3, 6 and 7: components that are bombs to validate or compile, or no components at all.

use crate::component;
use crate::neighbour::Neighbour;
use crate::suite::{alone, config};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tidegate_sandbox::{Sandbox, SandboxConfig};

fn text(build: impl FnOnce(&mut String)) -> Vec<u8> {
    let mut text = String::new();
    build(&mut text);
    wat::parse_str(&text).expect("it parses")
}

/// A component around one core module.
fn core(module: &str) -> Vec<u8> {
    wat::parse_str(format!(
        "(component (core module $m {module}) (core instance (instantiate $m)))"
    ))
    .expect("it parses")
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "100,000 types",
            text(|text| {
                text.push_str("(component");
                for index in 0..100_000 {
                    let _ = write!(
                        text,
                        "(type $t{index} (record (field \"f{index}\" string)))"
                    );
                }
                text.push(')');
            }),
        ),
        (
            "types that double",
            text(|text| {
                text.push_str("(component (type $t0 (tuple string string))");
                for index in 0..200 {
                    let _ = write!(text, "(type $t{} (tuple $t{index} $t{index}))", index + 1);
                }
                text.push_str("(import \"bomb\" (func (param \"p\" $t200))))");
            }),
        ),
        ("10,000 nested components", {
            // The text parser is recursive too: the binary is made by hand.
            let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
            for _ in 0..10_000 {
                let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
                leb(&mut outer, wasm.len());
                outer.extend_from_slice(&wasm);
                wasm = outer;
            }
            wasm
        }),
        (
            "10,000 instances",
            text(|text| {
                text.push_str("(component (core module $m)");
                for _ in 0..10_000 {
                    text.push_str("(core instance (instantiate $m))");
                }
                text.push(')');
            }),
        ),
        (
            "40 instances with a memory",
            text(|text| {
                text.push_str("(component (core module $m (memory 1))");
                for _ in 0..40 {
                    text.push_str("(core instance (instantiate $m))");
                }
                text.push(')');
            }),
        ),
        (
            "50,001 locals",
            core(&format!("(func {})", "(local i32)".repeat(50_001))),
        ),
        (
            "a jump table of a million",
            core(&format!(
                "(func (block (br_table {} (i32.const 0))))",
                "0 ".repeat(1_000_000)
            )),
        ),
        (
            "a function of 8 MB",
            core(&format!(
                "(func {})",
                "(drop (i32.const 1000000000))".repeat(1_200_000)
            )),
        ),
        ("1,000 memories", core(&"(memory 1)".repeat(1000))),
        ("two memories", core("(memory 1) (memory 1)")),
        ("a memory of 64 bits", core("(memory i64 1)")),
        ("a shared memory", core("(memory 1 1 shared)")),
        (
            "relaxed SIMD",
            core(
                "(func (drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
            ),
        ),
        ("garbage collection", core("(type (struct (field i32)))")),
        ("exceptions", core("(tag)")),
    ]
}

fn leb(into: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        into.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    into.push(u8::try_from(number).expect("seven bits"));
}

#[test]
fn bombs_are_refused_in_bounded_time() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let neighbour = Neighbour::start(&sandbox);
    for (name, wasm) in bombs() {
        let began = Instant::now();
        let error = sandbox
            .load(&wasm)
            .err()
            .unwrap_or_else(|| panic!("{name} was loaded"));
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{name} took {:?}",
            began.elapsed()
        );
        assert!(
            matches!(error.name(), "compile" | "limit" | "world"),
            "{name}: {error}"
        );
        neighbour.check();
    }
}

#[test]
fn what_is_no_component_is_refused() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let good = component::good("kind: X");
    let folder = tempfile::tempdir().expect("a folder");
    tidegate_sandbox::write_builtins(folder.path(), &[("good".to_owned(), good.clone())])
        .expect("built-ins");
    let compiled = std::fs::read(folder.path().join("good.cwasm")).expect("compiled code");
    let core = wat::parse_str("(module)").expect("a module");
    let mut polyglot = b"PK\x03\x04".to_vec();
    polyglot.extend_from_slice(&good);
    let mut trailing = good.clone();
    trailing.extend_from_slice(b"\0\xff\xff\xff\xff\x0f");
    let mut later = good.clone();
    later[4] = 0x0e;
    let binary = std::fs::read(std::env::current_exe().expect("a path")).expect("this program");
    let cases: [(&str, &[u8], &str); 12] = [
        ("nothing", b"", "not_a_component"),
        ("text", b"(component)", "not_a_component"),
        ("a header alone", b"\0asm", "not_a_component"),
        ("half a header", b"\0asm\x0d\0", "not_a_component"),
        ("a core module", &core, "not_a_component"),
        ("another version", &later, "not_a_component"),
        ("an archive in front", &polyglot, "not_a_component"),
        ("a damaged tail", &trailing, "compile"),
        ("cut short", &good[..good.len() / 2], "compile"),
        ("compiled code", &compiled, "precompiled"),
        ("ELF", &binary[..4096], "precompiled"),
        ("an empty component", b"\0asm\x0d\0\x01\0", "world"),
    ];
    for (name, wasm, expected) in cases {
        let error = sandbox
            .load(wasm)
            .err()
            .unwrap_or_else(|| panic!("{name} was loaded"));
        assert_eq!(error.name(), expected, "{name}: {error}");
    }
    // Any cut and any flipped byte: an error or a component, never a panic.
    for cut in (0..good.len()).step_by(97) {
        let _ = sandbox.load(&good[..cut]);
    }
}

#[test]
fn a_component_that_is_too_large_is_not_even_parsed() {
    let _alone = alone();
    let sandbox = Sandbox::new(SandboxConfig {
        wasm_size: 1000,
        ..config()
    })
    .expect("sandbox");
    let error = sandbox
        .load(&component::good("kind: X"))
        .expect_err("it is larger");
    assert_eq!(
        error.to_string(),
        "the component exceeds the limit `wasm_size` of 1000"
    );
}
