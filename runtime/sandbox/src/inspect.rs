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
        Some(b"\0asm\x0d\0\x01\0") => check_shape(wasm, 0),
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

/// Components inside components that are still taken. Tools make two or three; validation takes quadratic time.
const NESTING: u64 = 16;
/// The body of one function, in bytes: what compiling it takes grows faster than its size.
const FUNCTION_SIZE: u64 = 1024 * 1024;

const CORE_CODE: u8 = 10;
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// Walks the sections without understanding them, so that bombs go no further. What is malformed is left to the
/// validator, which has words for it.
fn check_shape(wasm: &[u8], depth: u64) -> Result<(), Error> {
    if depth > NESTING {
        return Err(Error::Limit {
            limit: Limit::Nesting,
            value: NESTING,
        });
    }
    let is_component = wasm.get(6) == Some(&1);
    let mut rest = wasm.get(8..).unwrap_or_default();
    while let Some((section, content, after)) = section(rest) {
        rest = after;
        match (is_component, section) {
            (true, CORE_MODULE | COMPONENT) => check_shape(content, depth + 1)?,
            (false, CORE_CODE) => check_code(content)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_code(content: &[u8]) -> Result<(), Error> {
    let Some((count, mut rest)) = number(content) else {
        return Ok(());
    };
    for _ in 0..count {
        let Some((size, body)) = number(rest) else {
            return Ok(());
        };
        if size > FUNCTION_SIZE {
            return Err(Error::Limit {
                limit: Limit::FunctionSize,
                value: FUNCTION_SIZE,
            });
        }
        let Some(after) = usize::try_from(size).ok().and_then(|size| body.get(size..)) else {
            return Ok(());
        };
        rest = after;
    }
    Ok(())
}

/// The next section's number and content, and what follows.
fn section(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (section, rest) = bytes.split_first()?;
    let (size, rest) = number(rest)?;
    let (content, after) = rest.split_at_checked(usize::try_from(size).ok()?)?;
    Some((*section, content, after))
}

/// An unsigned LEB128 number of 32 bits, and what follows.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Validates and compiles.
pub(crate) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Component, Error> {
    Component::new(engine, wasm).map_err(|error| Error::Compile(error.into()))
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
