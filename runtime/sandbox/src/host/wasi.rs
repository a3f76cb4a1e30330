//! The sealed WASI 0.2 that guests of `wasm32-wasip2` are built against: the few interfaces which Rust's standard
//! library imports, with nothing behind them. The environment is empty, stdin is at its end, what is written goes to
//! the log, nothing waits. Clocks, files and sockets are not here, so a component that imports them is refused.

use crate::bindings::tidegate::plugin::logging::Level;
use crate::error::Stop;
use crate::state::CallState;
use wasmtime::component::{ComponentType, Linker, Lower, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};

/// The version that `wasm32-wasip2` of the pinned toolchain imports; the linker takes any other 0.2 for it.
const VERSION: &str = "0.2.6";

/// Everything that [`add_to_linker`] defines, without versions.
pub(crate) const INTERFACES: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure-seed",
];

/// Bytes that a guest may write at once, as `check-write` says. WASI has whoever writes more trap.
const WRITE_MAX: u64 = 64 * 1024;

const STDOUT: u32 = 1;
const STDERR: u32 = 2;

struct IoError;
struct Pollable;
struct InputStream;
struct OutputStream;
struct TerminalInput;
struct TerminalOutput;

#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[expect(dead_code, reason = "the type must have the case, nothing here fails")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

type Store<'a> = StoreContextMut<'a, CallState>;
type Written = Result<(std::result::Result<(), StreamError>,)>;

pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    cli(linker)?;
    io(linker)?;
    let mut seed = linker.instance(&named("wasi:random/insecure-seed"))?;
    seed.func_wrap("insecure-seed", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        let key = store.data().run_key;
        let (first, second) = key.as_bytes().split_at(8);
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .take(8)
                .fold(0u64, |number, byte| number << 8 | u64::from(*byte))
        };
        Ok(((number(first), number(second)),))
    })
}

fn named(interface: &str) -> String {
    format!("{interface}@{VERSION}")
}

fn cli(linker: &mut Linker<CallState>) -> Result<()> {
    let mut environment = linker.instance(&named("wasi:cli/environment"))?;
    environment.func_wrap("get-environment", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((Vec::<(String, String)>::new(),))
    })?;
    environment.func_wrap("get-arguments", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((Vec::<String>::new(),))
    })?;
    environment.func_wrap("initial-cwd", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((None::<String>,))
    })?;

    let mut exit = linker.instance(&named("wasi:cli/exit"))?;
    exit.func_wrap(
        "exit",
        |_: Store<'_>, (status,): (std::result::Result<(), ()>,)| -> Result<()> {
            Err(Stop::Exit {
                success: status.is_ok(),
            }
            .into())
        },
    )?;

    let mut stdin = linker.instance(&named("wasi:cli/stdin"))?;
    stdin.func_wrap("get-stdin", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((Resource::<InputStream>::new_own(0),))
    })?;
    let mut stdout = linker.instance(&named("wasi:cli/stdout"))?;
    stdout.func_wrap("get-stdout", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((Resource::<OutputStream>::new_own(STDOUT),))
    })?;
    let mut stderr = linker.instance(&named("wasi:cli/stderr"))?;
    stderr.func_wrap("get-stderr", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((Resource::<OutputStream>::new_own(STDERR),))
    })?;

    let mut terminal = linker.instance(&named("wasi:cli/terminal-input"))?;
    terminal.resource(
        "terminal-input",
        ResourceType::host::<TerminalInput>(),
        |_, _| Ok(()),
    )?;
    let mut terminal = linker.instance(&named("wasi:cli/terminal-output"))?;
    terminal.resource(
        "terminal-output",
        ResourceType::host::<TerminalOutput>(),
        |_, _| Ok(()),
    )?;
    let mut terminal = linker.instance(&named("wasi:cli/terminal-stdin"))?;
    terminal.func_wrap("get-terminal-stdin", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((None::<Resource<TerminalInput>>,))
    })?;
    let mut terminal = linker.instance(&named("wasi:cli/terminal-stdout"))?;
    terminal.func_wrap("get-terminal-stdout", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((None::<Resource<TerminalOutput>>,))
    })?;
    let mut terminal = linker.instance(&named("wasi:cli/terminal-stderr"))?;
    terminal.func_wrap("get-terminal-stderr", |mut store: Store<'_>, (): ()| {
        store.data_mut().enter()?;
        Ok((None::<Resource<TerminalOutput>>,))
    })
}

fn io(linker: &mut Linker<CallState>) -> Result<()> {
    let mut error = linker.instance(&named("wasi:io/error"))?;
    error.resource("error", ResourceType::host::<IoError>(), |_, _| Ok(()))?;
    error.func_wrap(
        "[method]error.to-debug-string",
        |mut store: Store<'_>, (_,): (Resource<IoError>,)| {
            store.data_mut().enter()?;
            Ok(("error".to_owned(),))
        },
    )?;

    let mut poll = linker.instance(&named("wasi:io/poll"))?;
    poll.resource("pollable", ResourceType::host::<Pollable>(), |_, _| Ok(()))?;
    // Nothing here ever waits, so everything is ready at once.
    poll.func_wrap(
        "[method]pollable.ready",
        |mut store: Store<'_>, (_,): (Resource<Pollable>,)| {
            store.data_mut().enter()?;
            Ok((true,))
        },
    )?;
    poll.func_wrap(
        "[method]pollable.block",
        |mut store: Store<'_>, (_,): (Resource<Pollable>,)| store.data_mut().enter(),
    )?;
    poll.func_wrap(
        "poll",
        |mut store: Store<'_>, (all,): (Vec<Resource<Pollable>>,)| {
            store.data_mut().enter()?;
            if all.is_empty() {
                return Err(Stop::Contract("poll of nothing".to_owned()).into());
            }
            let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
            Ok(((0..count).collect::<Vec<u32>>(),))
        },
    )?;

    let mut streams = linker.instance(&named("wasi:io/streams"))?;
    streams.resource(
        "input-stream",
        ResourceType::host::<InputStream>(),
        |_, _| Ok(()),
    )?;
    streams.resource(
        "output-stream",
        ResourceType::host::<OutputStream>(),
        |_, _| Ok(()),
    )?;
    for name in ["read", "blocking-read"] {
        streams.func_wrap(
            &format!("[method]input-stream.{name}"),
            |mut store: Store<'_>, (_, _): (Resource<InputStream>, u64)| {
                store.data_mut().enter()?;
                Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
            },
        )?;
    }
    for name in ["skip", "blocking-skip"] {
        streams.func_wrap(
            &format!("[method]input-stream.{name}"),
            |mut store: Store<'_>, (_, _): (Resource<InputStream>, u64)| {
                store.data_mut().enter()?;
                Ok((Err::<u64, _>(StreamError::Closed),))
            },
        )?;
    }
    streams.func_wrap(
        "[method]input-stream.subscribe",
        |mut store: Store<'_>, (_,): (Resource<InputStream>,)| {
            store.data_mut().enter()?;
            Ok((Resource::<Pollable>::new_own(0),))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.subscribe",
        |mut store: Store<'_>, (_,): (Resource<OutputStream>,)| {
            store.data_mut().enter()?;
            Ok((Resource::<Pollable>::new_own(0),))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |mut store: Store<'_>, (_,): (Resource<OutputStream>,)| {
            store.data_mut().enter()?;
            Ok((Ok::<u64, StreamError>(WRITE_MAX),))
        },
    )?;
    for name in ["write", "blocking-write-and-flush"] {
        streams.func_wrap(
            &format!("[method]output-stream.{name}"),
            |mut store: Store<'_>, (stream, bytes): (Resource<OutputStream>, Vec<u8>)| -> Written {
                store.data_mut().enter()?;
                if bytes.len() as u64 > WRITE_MAX {
                    return Err(Stop::Contract(format!(
                        "it wrote {} bytes at once, where `check-write` allows {WRITE_MAX}",
                        bytes.len()
                    ))
                    .into());
                }
                write(store.data_mut(), stream.rep(), &bytes);
                Ok((Ok(()),))
            },
        )?;
    }
    for name in ["flush", "blocking-flush"] {
        streams.func_wrap(
            &format!("[method]output-stream.{name}"),
            |mut store: Store<'_>, (_,): (Resource<OutputStream>,)| -> Written {
                store.data_mut().enter()?;
                Ok((Ok(()),))
            },
        )?;
    }
    for name in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
        streams.func_wrap(
            &format!("[method]output-stream.{name}"),
            |mut store: Store<'_>, (_, _): (Resource<OutputStream>, u64)| -> Written {
                store.data_mut().enter()?;
                Ok((Ok(()),))
            },
        )?;
    }
    for name in ["splice", "blocking-splice"] {
        streams.func_wrap(
            &format!("[method]output-stream.{name}"),
            |mut store: Store<'_>,
             (_, _, _): (Resource<OutputStream>, Resource<InputStream>, u64)| {
                store.data_mut().enter()?;
                Ok((Err::<u64, _>(StreamError::Closed),))
            },
        )?;
    }
    Ok(())
}

/// Whole lines go to the log; the rest waits for its end, no longer than a line may be.
fn write(state: &mut CallState, stream: u32, bytes: &[u8]) {
    let level = if stream == STDERR {
        Level::Warn
    } else {
        Level::Info
    };
    let max = usize::try_from(state.limits.log_line).unwrap_or(usize::MAX);
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        let room = max.saturating_sub(state.produced.partial_line.len());
        state
            .produced
            .partial_line
            .extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
        if part.ends_with(b"\n") {
            flush_line(state, level);
        }
    }
}

/// Logs what has been written of a line so far.
pub(crate) fn flush_line(state: &mut CallState, level: Level) {
    let line = std::mem::take(&mut state.produced.partial_line);
    let text = String::from_utf8_lossy(&line);
    let text = text.trim_end_matches(['\n', '\r']);
    if !text.is_empty() {
        state.keep_log(level, text, &[]);
    }
}
