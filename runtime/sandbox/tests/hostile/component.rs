//! Makes components of the core modules in `cases/`.

use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Short forms in the cases' text.
const SHORT: &[(&str, &str)] = &[
    ("%render", "\"tidegate:plugin/renderer@0.1.0#render\""),
    ("%post-render", "\"cabi_post_tidegate:plugin/renderer@0.1.0#render\""),
    ("%inputs", "\"tidegate:plugin/inputs@0.1.0\""),
    ("%outputs", "\"tidegate:plugin/outputs@0.1.0\""),
    ("%logging", "\"tidegate:plugin/logging@0.1.0\""),
    // What a guest must do before it returns: the request and the sink were lent to it.
    ("%end", "(call $drop-request (local.get 0)) (call $drop-sink (local.get 1)) (i32.const 1024)"),
    // Gives a description and a result at address 1024: all zeros, which is empty texts, and success.
    ("%describe", "(func (export \"tidegate:plugin/renderer@0.1.0#describe\") (result i32) (i32.const 1024))"),
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
    let mut text = text.to_owned();
    if text.contains("%end") {
        let imports = "(module
          (import %inputs \"[resource-drop]request\" (func $drop-request (param i32)))
          (import %outputs \"[resource-drop]sink\" (func $drop-sink (param i32)))
";
        text = text.replacen("(module", imports, 1);
    }
    for (short, long) in SHORT {
        text = text.replace(&format!("{short}\n"), &format!("{long}\n"));
        text = text.replace(&format!("{short} "), &format!("{long} "));
        text = text.replace(&format!("{short})"), &format!("{long})"));
    }
    let mut module =
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{}", short(&text)));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut resolve = Resolve::default();
    resolve
        .push_path(root.join("../../wit/0.1"))
        .expect("the contract");
    let (package, _) = resolve
        .push_path(root.join("tests/hostile/wit/wasi.wit"))
        .expect("what cases import");
    let world = resolve
        .select_world(&[package], Some("hostile"))
        .expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("metadata");
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(ComponentEncoder::encode)
        .unwrap_or_else(|error| panic!("{error:?}\n{}", short(&text)))
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
