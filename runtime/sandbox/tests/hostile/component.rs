//! Makes components of the core modules in `cases/`.

use crate::case::{CONTRACT, Case};
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve, SourceMap};

/// Short forms in the cases' text.
const SHORT: &[(&str, &str)] = &[
    ("%render", "\"tidegate:plugin/renderer@0.1.0#render\""),
    ("%post-render", "\"cabi_post_tidegate:plugin/renderer@0.1.0#render\""),
    ("%inputs", "\"tidegate:plugin/inputs@0.1.0\""),
    ("%outputs", "\"tidegate:plugin/outputs@0.1.0\""),
    ("%compare", "\"tidegate:plugin/comparer@0.1.0#compare\""),
    ("%validate", "\"tidegate:plugin/validator@0.1.0#validate\""),
    ("%pairs", "\"tidegate:plugin/pairs@0.1.0\""),
    ("%random", "\"tidegate:plugin/random@0.1.0\""),
    ("%things", "\"[export]test:hostile/things\""),
    ("%destructor", "\"test:hostile/things#[dtor]thing\""),
    ("%logging", "\"tidegate:plugin/logging@0.1.0\""),
    // What a guest must do before it returns: the request and the sink were lent to it.
    ("%end", "(call $drop-request (local.get 0)) (call $drop-sink (local.get 1)) (i32.const 1024)"),
    // The same for `compare`.
    ("%judged", "(call $drop-request (local.get 0)) (i32.const 1024)"),
    // Gives a description and a result at address 1024: all zeros, which is empty texts, and success.
    ("%describe", "(func (export \"tidegate:plugin/renderer@0.1.0#describe\") (result i32) (i32.const 1024))"),
    ("%describe-comparer", "(func (export \"tidegate:plugin/comparer@0.1.0#describe\") (result i32) (i32.const 1024))"),
    ("%describe-validator", "(func (export \"tidegate:plugin/validator@0.1.0#describe\") (result i32) (i32.const 1024))"),
    // Hands out memory from 64 KiB on, and grows it.
    (
        "%realloc",
        "(global $next (mut i32) (i32.const 65536))
         (func $realloc (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
           (local $at i32) (local $pages i32)
           (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
           (global.set $next (i32.add (local.get $at) (local.get 3)))
           (local.set $pages (i32.shr_u (i32.add (global.get $next) (i32.const 65535)) (i32.const 16)))
           (if (i32.gt_u (local.get $pages) (memory.size))
             (then (drop (memory.grow (i32.sub (local.get $pages) (memory.size))))))
           (local.get $at))",
    ),
];

/// A component of the world `render` with the sealed and the refused imports of `wit/wasi.wit`.
pub(crate) fn of_module(text: &str) -> Vec<u8> {
    of_world("hostile", text)
}

/// A component of one of the worlds of `wit/wasi.wit`.
pub(crate) fn of_world(world: &str, text: &str) -> Vec<u8> {
    of_contract(world, CONTRACT, &[], text)
}

/// What a case asks for.
pub(crate) fn of_case(case: &Case) -> Vec<u8> {
    of_contract(&case.world, &case.contract, &case.edits, &case.module)
}

/// As a guest is that was made for another version of the contract, with `edits` in it.
fn of_contract(world: &str, version: &str, edits: &[(String, String)], text: &str) -> Vec<u8> {
    let text = long(text).replace(&format!("@{CONTRACT}"), &format!("@{version}"));
    let mut module =
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{}", short(&text)));
    let (resolve, package) = contract(version, edits);
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("metadata");
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(ComponentEncoder::encode)
        .unwrap_or_else(|error| panic!("{error:?}\n{}", short(&text)))
}

/// The text of a core module with its short forms written out.
fn long(text: &str) -> String {
    let mut imports = "(module\n".to_owned();
    if text.contains("%end") || text.contains("%judged") {
        imports += "(import %inputs \"[resource-drop]request\" (func $drop-request (param i32)))\n";
    }
    if text.contains("%end") {
        imports += "(import %outputs \"[resource-drop]sink\" (func $drop-sink (param i32)))\n";
    }
    let mut text = text.replacen("(module", &imports, 1);
    for (short, long) in SHORT {
        for after in ["\n", " ", ")"] {
            text = text.replace(&format!("{short}{after}"), &format!("{long}{after}"));
        }
    }
    text
}

/// The contract as `version` of it, and what cases import.
fn contract(version: &str, edits: &[(String, String)]) -> (Resolve, PackageId) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<_> = std::fs::read_dir(root.join("../../wit/0.1"))
        .expect("the contract")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a text"))
        .collect();
    for (old, new) in edits {
        let edited = texts.iter_mut().find(|text| text.contains(old.as_str()));
        let edited = edited.unwrap_or_else(|| panic!("`{old}` is not in the contract"));
        *edited = edited.replacen(old.as_str(), new, 1);
    }
    let imports = std::fs::read_to_string(root.join("tests/hostile/wit/wasi.wit"));
    let versioned = |text: &str| text.replace(&format!("@{CONTRACT}"), &format!("@{version}"));
    let mut resolve = Resolve::default();
    let parse = |texts: &[&str]| {
        let mut map = SourceMap::default();
        for (index, text) in texts.iter().enumerate() {
            map.push_str(&format!("{index}.wit"), versioned(text));
        }
        map.parse().map_err(|(_, error)| error).expect("it parses")
    };
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    resolve.push_group(parse(&texts)).expect("the contract");
    let package = resolve.push_group(parse(&[&imports.expect("what cases import")]));
    (resolve, package.expect("what cases import"))
}

const COMPONENT: u8 = 4;
const INSTANCE: u8 = 5;

/// `good` with the component `other` inside of it, and with `instantiated` an instance of that.
pub(crate) fn beside(good: &[u8], other: &[u8], instantiated: bool) -> Vec<u8> {
    let mut wasm = good.to_vec();
    section(&mut wasm, COMPONENT, other);
    if instantiated {
        let mut instance = vec![1, 0];
        leb(&mut instance, count(good, COMPONENT));
        instance.push(0);
        section(&mut wasm, INSTANCE, &instance);
    }
    wasm
}

/// A component around one core module, which it instantiates `times`.
pub(crate) fn of_core(module: &str, times: usize) -> Vec<u8> {
    let instances = "(core instance (instantiate $m))".repeat(times);
    wat::parse_str(format!("(component (core module $m {module}) {instances})")).expect("it parses")
}

/// Appends a section.
pub(crate) fn section(wasm: &mut Vec<u8>, kind: u8, content: &[u8]) {
    wasm.push(kind);
    leb(wasm, content.len());
    wasm.extend_from_slice(content);
}

fn leb(into: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        into.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    into.push(u8::try_from(number).expect("seven bits"));
}

/// How many sections of a kind a component has.
fn count(wasm: &[u8], kind: u8) -> usize {
    let mut rest = &wasm[8..];
    let mut found = 0;
    while let Some((section, after)) = rest.split_first() {
        found += usize::from(*section == kind);
        let (mut size, mut shift, mut at) = (0usize, 0, 0);
        loop {
            size |= usize::from(after[at] & 0x7f) << shift;
            shift += 7;
            at += 1;
            if after[at - 1] & 0x80 == 0 {
                break;
            }
        }
        rest = &after[at + size..];
    }
    found
}

/// A renderer that emits one document, which is `text`.
pub(crate) fn good(text: &str) -> Vec<u8> {
    of_module(&format!(
        "(module
           (import %outputs \"[method]sink.emit\" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
           (memory (export \"memory\") 2)
           (data (i32.const 2048) \"{text}\")
           (func (export %render) (param i32 i32) (result i32)
             (call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 2048) (i32.const {len})
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
             %end)
           %realloc
           %describe
         )",
        len = text.len()
    ))
}

fn short(text: &str) -> &str {
    text.get(..4000).unwrap_or(text)
}
