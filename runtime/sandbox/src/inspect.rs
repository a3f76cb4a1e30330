//! Looks at a component before anything of it is trusted.

use crate::error::Error;
use crate::limits::{Limit, Limits};
use wasmtime::Engine;
use wasmtime::component::Component;

const PAGE: u64 = 64 * 1024;

/// Refuses what is no WebAssembly component by its first bytes, compiled code above all.
pub(crate) fn check(wasm: &[u8]) -> Result<(), Error> {
    if wasm.starts_with(b"\x7fELF") || Engine::detect_precompiled(wasm).is_some() {
        return Err(Error::Precompiled);
    }
    match wasm.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => Ok(()),
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Err(Error::NotAComponent(
            "it is a core module; `wasm-tools component new` makes it one".to_owned(),
        )),
        Some([0, b'a', b's', b'm', ..]) => {
            Err(Error::NotAComponent("its version is not known".to_owned()))
        }
        _ => Err(Error::NotAComponent(
            "it does not start as WebAssembly does".to_owned(),
        )),
    }
}

/// Validates and compiles.
pub(crate) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Component, Error> {
    Component::new(engine, wasm).map_err(|error| Error::Compile(format!("{error:#}")))
}

/// Refuses what could not be instantiated anyway, before anything is allocated for it.
pub(crate) fn check_resources(component: &Component, limits: &Limits) -> Result<(), Error> {
    let Some(required) = component.resources_required() else {
        return Err(Error::Imports {
            imports: vec!["a core module or an instance of one".to_owned()],
        });
    };
    let checks = [
        (
            Limit::Memories,
            u64::from(required.num_memories),
            u64::from(limits.memories),
        ),
        (
            Limit::Memory,
            required
                .max_initial_memory_size
                .unwrap_or(0)
                .saturating_mul(PAGE),
            limits.memory,
        ),
        (
            Limit::Tables,
            u64::from(required.num_tables),
            u64::from(limits.tables),
        ),
        (
            Limit::TableElements,
            required.max_initial_table_size.unwrap_or(0),
            limits.table_elements,
        ),
    ];
    for (limit, wanted, value) in checks {
        if wanted > value {
            return Err(Error::Limit { limit, value });
        }
    }
    Ok(())
}
