//! 3, 6 and 7: components that are bombs to validate, compile or instantiate, or no components at all.

use crate::component::{self, beside, of_core};
use crate::harness::Bounds;
use crate::neighbour;
use crate::suite::{BOUNDS, alone, call, config, name_of};
use std::fmt::Write as _;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use tidegate_sandbox::{Sandbox, SandboxConfig};

/// What stands beside a plugin that is good by itself, and what must happen.
struct Bomb {
    name: &'static str,
    wasm: Vec<u8>,
    instantiated: bool,
    bounds: Bounds,
    expected: &'static str,
}

fn bomb(name: &'static str, expected: &'static str, wasm: Vec<u8>) -> Bomb {
    Bomb {
        name,
        wasm,
        instantiated: false,
        bounds: BOUNDS,
        expected,
    }
}

fn instantiated(name: &'static str, expected: &'static str, wasm: Vec<u8>) -> Bomb {
    Bomb {
        instantiated: true,
        ..bomb(name, expected, wasm)
    }
}

fn text(build: impl FnOnce(&mut String)) -> Vec<u8> {
    let mut text = "(component ".to_owned();
    build(&mut text);
    text.push(')');
    wat::parse_str(&text).expect("it parses")
}

fn many_types() -> Vec<u8> {
    text(|text| {
        for index in 0..100_000 {
            let _ = write!(
                text,
                "(type $t{index} (record (field \"f{index}\" string)))"
            );
        }
    })
}

fn doubling_types() -> Vec<u8> {
    text(|text| {
        text.push_str("(type $t0 (tuple string string))");
        for index in 0..200 {
            let _ = write!(text, "(type $t{} (tuple $t{index} $t{index}))", index + 1);
        }
        text.push_str("(import \"bomb\" (func (param \"p\" $t200)))");
    })
}

/// The text parser is recursive too: the binary is made by hand.
fn nested() -> Vec<u8> {
    let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..10_000 {
        let mut outer = b"\0asm\x0d\0\x01\0".to_vec();
        component::section(&mut outer, 4, &wasm);
        wasm = outer;
    }
    wasm
}

/// Each instance exports what it got from the one before.
fn alias_chain(length: usize) -> Vec<u8> {
    text(|text| {
        text.push_str(
            "(core module $m (func (export \"f\"))) (core instance $i0 (instantiate $m))",
        );
        for index in 0..length {
            let _ = write!(
                text,
                "(alias core export $i{index} \"f\" (core func $f{index}))
                 (core instance $i{} (export \"f\" (func $f{index})))",
                index + 1
            );
        }
    })
}

/// A function of 85,000 times 12 bytes.
fn long_function() -> String {
    let body = "(i64.mul (i64.const 8152360672140226767))".repeat(85_000);
    format!("(func (param i64) (result i64) (local.get 0) {body})")
}

fn bombs() -> Vec<Bomb> {
    vec![
        bomb("100,000 types", "ok", many_types()),
        bomb("types that double", "load compile", doubling_types()),
        bomb("10,000 nested components", "load limit nesting", nested()),
        instantiated("a chain of 500 aliases", "ok", alias_chain(500)),
        bomb(
            "a chain of 100,000 aliases",
            "load compile",
            alias_chain(100_000),
        ),
        bomb("10,000 instances", "load compile", of_core("", 10_000)),
        instantiated("40 instances", "limit instances", of_core("", 40)),
        instantiated(
            "40 memories",
            "load limit memories",
            of_core("(memory 1)", 40),
        ),
        instantiated(
            "memories that are too large together",
            "limit memory",
            of_core("(memory 1000)", 3),
        ),
        instantiated(
            "20 tables",
            "load limit tables",
            of_core("(table 1 funcref)", 20),
        ),
        bomb(
            "50,001 locals",
            "load compile",
            of_core(&format!("(func {})", "(local i32)".repeat(50_001)), 1),
        ),
        bomb(
            "a jump table of a million",
            "load compile",
            of_core(
                &format!(
                    "(func (block (br_table {} (i32.const 0))))",
                    "0 ".repeat(1_000_000)
                ),
                1,
            ),
        ),
        bomb(
            "a function of 8 MB",
            "load limit function_size",
            of_core(
                &format!(
                    "(func {})",
                    "(drop (i32.const 1000000000))".repeat(1_200_000)
                ),
                1,
            ),
        ),
        // The largest that is compiled.
        Bomb {
            bounds: Bounds {
                within: Duration::from_mins(3),
                memory: 500 << 20,
            },
            ..bomb("a function of 1 MB", "ok", of_core(&long_function(), 1))
        },
        bomb(
            "1,000 memories",
            "load compile",
            of_core(&"(memory 1)".repeat(1000), 1),
        ),
        bomb(
            "two memories",
            "load compile",
            of_core("(memory 1) (memory 1)", 1),
        ),
        bomb(
            "a memory of 64 bits",
            "load compile",
            of_core("(memory i64 1)", 1),
        ),
        bomb(
            "a shared memory",
            "load compile",
            of_core("(memory 1 1 shared)", 1),
        ),
        bomb(
            "relaxed SIMD",
            "load compile",
            of_core(
                "(func (drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
                1,
            ),
        ),
        bomb(
            "garbage collection",
            "load compile",
            of_core("(type (struct (field i32)))", 1),
        ),
        bomb("exceptions", "load compile", of_core("(tag)", 1)),
    ]
}

#[test]
fn bombs_end_with_a_named_error_in_bounded_time_and_memory() {
    let _alone = alone();
    let sandbox = Arc::new(Sandbox::new(config()).expect("sandbox"));
    let harness = neighbour::beside(&sandbox);
    let good = component::good("kind: X");
    for bomb in bombs() {
        let wasm = beside(&good, &bomb.wasm, bomb.instantiated);
        let loading = Arc::clone(&sandbox);
        let result = harness.attack(bomb.name, bomb.bounds, move || {
            loading.load(&wasm).map(|plugin| plugin.render(call()))
        });
        let text = result.as_ref().map_or_else(ToString::to_string, |report| {
            format!("{:?}", report.outcome)
        });
        assert_eq!(name_of(&result), bomb.expected, "{}: {text}", bomb.name);
    }
}

#[test]
fn what_is_no_component_is_refused() {
    let _alone = alone();
    let sandbox = Arc::new(Sandbox::new(config()).expect("sandbox"));
    let harness = neighbour::beside(&sandbox);
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
    let mut binary = [0; 4096];
    std::fs::File::open(std::env::current_exe().expect("a path"))
        .and_then(|mut file| file.read_exact(&mut binary))
        .expect("this program");
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
        ("ELF", &binary, "precompiled"),
        ("an empty component", b"\0asm\x0d\0\x01\0", "world"),
    ];
    for (name, wasm, expected) in cases {
        let (loading, wasm) = (Arc::clone(&sandbox), wasm.to_vec());
        let error = harness
            .attack(name, BOUNDS, move || loading.load(&wasm))
            .err()
            .unwrap_or_else(|| panic!("{name} was loaded"));
        assert_eq!(error.name(), expected, "{name}: {error}");
    }
}

/// What still is a plugin may do anything but last: it has the limits of one.
const DAMAGED: Bounds = Bounds {
    within: Duration::from_mins(1),
    memory: 300 << 20,
};

#[test]
fn what_is_damaged_ends_somehow_and_harms_nobody() {
    let _alone = alone();
    let sandbox = Arc::new(Sandbox::new(config()).expect("sandbox"));
    let harness = neighbour::beside(&sandbox);
    let good = component::good("kind: X");
    let tried = |name: String, wasm: Vec<u8>| {
        let loading = Arc::clone(&sandbox);
        harness.attack(&name, DAMAGED, move || {
            loading.load(&wasm).map(|plugin| plugin.render(call()))
        })
    };
    for cut in (0..good.len()).step_by(97) {
        let error =
            tried(format!("cut at {cut}"), good[..cut].to_vec()).expect_err("half a component");
        assert!(
            matches!(error.name(), "not_a_component" | "compile" | "world"),
            "{cut}: {error}"
        );
    }
    let (mut refused, mut ran) = (0, 0);
    for at in (8..good.len()).step_by(23) {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        match tried(format!("flipped at {at}"), flipped) {
            Ok(_) => ran += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0 && ran > 0, "{refused} were refused, {ran} ran");
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
    let most = Sandbox::new(SandboxConfig {
        wasm_size: u64::MAX,
        ..config()
    })
    .expect("sandbox");
    let error = most
        .load(&vec![0; (64 << 20) + 1])
        .expect_err("it is larger");
    assert_eq!(
        error.to_string(),
        "the component exceeds the limit `wasm_size` of 67108864"
    );
    assert_eq!(
        most.load(&[0; 2000]).expect_err("zeros").name(),
        "not_a_component"
    );
}
