//! Each limit of a call is a field of [`Limits`]: the same plugin is well with more of it, and ends with the limit's name
//! and value with less.

use crate::component::{self, beside, of_core};
use crate::suite::{alone, call, config, name_of};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::{Arc, atomic::AtomicUsize, atomic::Ordering};
use std::time::Duration;
use tidegate_sandbox::{
    Call, Class, Ended, Error, Failure, Grants, Limit, Limits, Observe, PluginPre, Sandbox,
    SandboxConfig,
};
use tidegate_values::{RemoteError, RemoteSource, Secret, Tree};

/// A plugin that uses much of one thing, what it may use, and the value in the message.
struct Knob {
    limit: Limit,
    wasm: Vec<u8>,
    lower: fn(&mut Limits),
    value: &'static str,
}

const EMIT: &str = "(call $emit (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8))";

/// A plugin that does `body` four times, or what else `times` says.
fn repeats(times: u32, imports: &str, body: &str) -> Vec<u8> {
    component::of_module(&format!(
        "(module {imports}
          (memory (export \"memory\") 20)
          (func (export %render) (param i32 i32) (result i32) (local $n i32)
            (loop $again
              {body}
              (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {times}))))
            (memory.fill (i32.const 1024) (i32.const 0) (i32.const 1024))
            %end)
          %realloc
          %describe
        )"
    ))
}

/// A plugin that asks for facts.
fn asks(body: &str, times: u32) -> Vec<u8> {
    let import = "(import %inputs \"[method]request.fact\" (func $fact (param i32 i32 i32 i32)))
        (data (i32.const 2048) \"some-fact that nobody knows\")";
    repeats(times, import, body)
}

/// A plugin that reads the 8 bytes of a file, again and again.
fn reads(times: u32) -> Vec<u8> {
    repeats(
        times,
        "(import %inputs \"[method]request.source\" (func $source (param i32 i32)))
         (import %inputs \"[method]tree.read\" (func $read (param i32 i32 i32 i32)))
         (data (i32.const 2048) \"a/b.yaml\")",
        "(call $source (local.get 0) (i32.const 16))
         (call $read (i32.load (i32.const 20)) (i32.const 2048) (i32.const 8) (i32.const 32))",
    )
}

/// A remote source that takes its time.
struct Late;

impl RemoteSource for Late {
    fn open(&self, locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        Err(RemoteError::NotFound(locator.to_owned()))
    }

    fn read(&self, _: &str) -> Result<Bytes, RemoteError> {
        std::thread::sleep(Duration::from_millis(5));
        Ok(Bytes::from_static(b"kind: X"))
    }
}

fn knobs() -> Vec<Knob> {
    let emit = "(import %outputs \"[method]sink.emit\" (func $emit (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))";
    let good = component::good("kind: X");
    let knob = |limit, value, wasm, lower| Knob {
        limit,
        wasm,
        lower,
        value,
    };
    vec![
        knob(
            Limit::Memory,
            "4194304 bytes",
            repeats(160, "", "(drop (memory.grow (i32.const 1)))"),
            |limits| limits.memory = 4 << 20,
        ),
        knob(
            Limit::Memories,
            "1",
            beside(&good, &of_core("(memory 1)", 1), true),
            |limits| limits.memories = 1,
        ),
        knob(
            Limit::Tables,
            "2",
            beside(&good, &of_core("(table 1 funcref)", 4), true),
            |limits| limits.tables = 2,
        ),
        knob(
            Limit::TableElements,
            "500",
            beside(&good, &of_core("(table 1000 funcref)", 1), true),
            |limits| limits.table_elements = 500,
        ),
        knob(
            Limit::Instances,
            "8",
            beside(&good, &of_core("", 10), true),
            |limits| limits.instances = 8,
        ),
        knob(
            Limit::Fuel,
            "100000",
            repeats(1_000_000, "", ""),
            |limits| limits.fuel = Some(100_000),
        ),
        knob(
            Limit::Wall,
            "0.001 s",
            repeats(300_000_000, "", ""),
            |limits| limits.wall = Duration::from_millis(1),
        ),
        knob(
            Limit::HostCallBytes,
            "65536 bytes",
            repeats(
                4,
                "(import %logging \"log\" (func $log (param i32 i32 i32 i32 i32)))",
                "(call $log (i32.const 2) (i32.const 0) (i32.const 1048576) (i32.const 0) (i32.const 0))",
            ),
            |limits| limits.host_call_bytes = 65536,
        ),
        knob(
            Limit::Handles,
            "20",
            repeats(
                100,
                "(import %inputs \"[method]request.source\" (func $source (param i32 i32)))",
                "(call $source (local.get 0) (i32.const 16))",
            ),
            |limits| limits.handles = 20,
        ),
        knob(
            Limit::Output,
            "2048 bytes",
            repeats(4, emit, EMIT),
            |limits| limits.output = 2048,
        ),
        knob(Limit::Objects, "2", repeats(4, emit, EMIT), |limits| {
            limits.objects = 2;
        }),
        knob(
            Limit::ObjectSize,
            "512 bytes",
            repeats(4, emit, EMIT),
            |limits| limits.object_size = 512,
        ),
        knob(
            Limit::Diagnostics,
            "2",
            repeats(
                4,
                "(import %outputs \"[method]sink.report\" (func $report (param i32 i32)))",
                "(i32.store (i32.const 4096) (local.get 1)) (call $report (i32.const 4096) (i32.const 8))",
            ),
            |limits| limits.diagnostics = 2,
        ),
        knob(
            Limit::HostCalls,
            "50",
            repeats(
                100,
                "(import %logging \"enabled\" (func $enabled (param i32) (result i32)))",
                "(drop (call $enabled (i32.const 2)))",
            ),
            |limits| limits.host_calls = 50,
        ),
        knob(
            Limit::HostMemory,
            "2000 bytes",
            asks(
                "(call $fact (local.get 0) (i32.const 2048) (i32.add (i32.const 1) (local.get $n)) (i32.const 16))",
                20,
            ),
            |limits| limits.host_memory = 2000,
        ),
        knob(
            Limit::KeySize,
            "9 bytes",
            asks(
                "(call $fact (local.get 0) (i32.const 2048) (i32.const 10) (i32.const 16))",
                1,
            ),
            |limits| limits.key_size = 9,
        ),
        knob(Limit::Input, "20 bytes", reads(4), |limits| {
            limits.input = 20;
        }),
        knob(Limit::HostTime, "0.000000001 s", reads(4), |limits| {
            limits.host_time = Duration::from_nanos(1);
        }),
        knob(Limit::Waiting, "0.01 s", fetches(4), |limits| {
            limits.waiting = Duration::from_millis(10);
        }),
        knob(
            Limit::Random,
            "64 bytes",
            repeats(
                4,
                "(import %random \"bytes\" (func $bytes (param i32 i32 i32 i32)))",
                "(call $bytes (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 16))",
            ),
            |limits| limits.random = 64,
        ),
    ]
}

#[test]
fn every_limit_has_a_knob_that_turns() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let knobs = knobs();
    for knob in &knobs {
        let plugin = sandbox
            .load_with(knob.limit.name(), &knob.wasm, Grants::ALL)
            .expect("it loads");
        let run = |limits: Limits| {
            plugin.render(Call {
                limits: Some(limits),
                random: Some(Secret::new("random".as_bytes())),
                remote: Some(Arc::new(Late)),
                ..call()
            })
        };
        let much = run(Limits {
            wall: Duration::from_mins(1),
            ..Limits::TENANT
        });
        assert_eq!(much.outcome, Ok(()), "{}", knob.limit);
        let mut limits = Limits::TENANT;
        (knob.lower)(&mut limits);
        let expected = Failure::Limit {
            plugin: knob.limit.name().to_owned(),
            limit: knob.limit,
            value: knob.value.to_owned(),
        };
        assert_eq!(run(limits).outcome, Err(expected));
    }
    // Without a field: `wasm_size` is the sandbox's, these are the same for all; `bombs.rs` and the cases have them.
    let elsewhere = [
        Limit::WasmSize,
        Limit::FunctionSize,
        Limit::Nesting,
        Limit::Stack,
        // The guest is told, and goes on: the next test.
        Limit::FileSize,
    ];
    let tested: BTreeSet<_> = knobs
        .iter()
        .map(|knob| knob.limit)
        .chain(elsewhere)
        .map(Limit::name)
        .collect();
    let all: BTreeSet<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
    assert_eq!(tested, all);
}

/// A plugin that reads a remote file so often.
fn fetches(times: u32) -> Vec<u8> {
    repeats(
        times,
        "(import \"tidegate:plugin/sources@0.1.0\" \"read-remote\" (func $read (param i32 i32 i32)))
         (data (i32.const 2048) \"https://host.example/file\")",
        "(call $read (i32.const 2048) (i32.const 25) (i32.const 16))",
    )
}

#[test]
fn an_answer_that_came_is_not_too_late() {
    let _alone = alone();
    let run = |waits_on, times| {
        let config = SandboxConfig {
            waits_on,
            ..config()
        };
        let sandbox = Sandbox::new(config).expect("sandbox");
        let plugin = sandbox.load_with("fetches", &fetches(times), Grants::ALL);
        let report = plugin.expect("it loads").render(Call {
            limits: Some(Limits {
                waiting: Duration::from_millis(1),
                ..Limits::TENANT
            }),
            remote: Some(Arc::new(Late)),
            ..call()
        });
        name_of(&Ok(report))
    };
    assert_eq!(run(false, 1), "ok");
    assert_eq!(run(false, 2), "limit waiting");
    assert_eq!(run(true, 4), "ok");
}

/// A remote source that has much to say of what it does not have.
struct Wordy;

impl RemoteSource for Wordy {
    fn open(&self, _: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        Err(RemoteError::NotFound("no ".repeat(1000)))
    }

    fn read(&self, url: &str) -> Result<Bytes, RemoteError> {
        Err(RemoteError::NotFound(url.to_owned()))
    }
}

#[test]
fn what_is_said_of_locators_is_counted_once_each() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let run = |length: &str| {
        let wasm = repeats(
            20,
            "(import \"tidegate:plugin/sources@0.1.0\" \"open-remote\" (func $open (param i32 i32 i32)))
             (data (i32.const 2048) \"https://host.example/repository\")",
            &format!("(call $open (i32.const 2048) {length} (i32.const 16))"),
        );
        let plugin = sandbox.load_with("opens", &wasm, Grants::ALL);
        let report = plugin.expect("it loads").render(Call {
            limits: Some(Limits {
                host_memory: 30_000,
                ..Limits::TENANT
            }),
            remote: Some(Arc::new(Wordy)),
            ..call()
        });
        name_of(&Ok(report))
    };
    assert_eq!(run("(i32.const 20)"), "ok");
    assert_eq!(
        run("(i32.add (i32.const 1) (local.get $n))"),
        "limit host_memory"
    );
}

#[test]
fn a_file_that_is_too_large_is_said_to_be() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let plugin = sandbox.load(&repeats(
        1,
        "(import %inputs \"[method]request.source\" (func $source (param i32 i32)))
         (import %inputs \"[method]tree.read\" (func $read (param i32 i32 i32 i32)))
         (data (i32.const 2048) \"a/b.yaml\")",
        "(call $source (local.get 0) (i32.const 16))
         (call $read (i32.load (i32.const 20)) (i32.const 2048) (i32.const 8) (i32.const 32))
         ;; An error, and the case `too-large`.
         (if (i32.and (i32.eq (i32.load8_u (i32.const 32)) (i32.const 1)) (i32.eq (i32.load8_u (i32.const 36)) (i32.const 3)))
           (then (unreachable)))",
    ));
    let plugin = plugin.expect("it loads");
    let run = |file_size| {
        let limits = Limits {
            file_size,
            ..Limits::TENANT
        };
        let report = plugin.render(Call {
            limits: Some(limits),
            ..call()
        });
        name_of(&Ok(report))
    };
    assert_eq!((run(7).as_str(), run(6).as_str()), ("ok", "trap"));
}

#[test]
fn the_log_keeps_as_much_as_it_may() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let plugin = sandbox
        .load(&repeats(
            100,
            "(import %logging \"log\" (func $log (param i32 i32 i32 i32 i32)))
             (data (i32.const 2048) \"0123456789\")",
            "(call $log (i32.const 2) (i32.const 2048) (i32.const 10) (i32.const 0) (i32.const 0))",
        ))
        .expect("it loads");
    let run = |log, log_lines, log_line| {
        let limits = Limits {
            log,
            log_lines,
            log_line,
            ..Limits::TENANT
        };
        let report = plugin.render(Call {
            limits: Some(limits),
            ..call()
        });
        assert_eq!(report.outcome, Ok(()));
        let longest = report.logs.iter().map(|line| line.message.len()).max();
        (report.logs.len(), longest, report.usage.log_dropped)
    };
    assert_eq!(run(10_000, 2000, 4096), (100, Some(10), 0));
    assert_eq!(run(55, 2000, 4096), (5, Some(10), 95));
    assert_eq!(run(10_000, 7, 4096), (7, Some(10), 93));
    assert_eq!(run(10_000, 2000, 4), (100, Some(4), 0));
}

/// A call of this depth needs more than wasmtime's own 512 KiB of stack, and less than the 1 MiB that we give.
#[test]
fn the_stack_is_as_large_as_said() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let deep = |levels: u32| {
        let wasm = component::of_module(&format!(
            "(module
              (func $down (param i32) (result i32)
                (if (result i32) (local.get 0)
                  (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
                  (else (i32.const 0))))
              (memory (export \"memory\") 2)
              (func (export %render) (param i32 i32) (result i32)
                (drop (call $down (i32.const {levels})))
                %end)
              %realloc
              %describe
            )"
        ));
        let plugin = sandbox.load(&wasm).expect("it loads");
        name_of(&Ok(plugin.render(call())))
    };
    // A level takes 16 bytes at least: a return address and a frame pointer.
    assert_eq!(deep(1000), "ok");
    assert_eq!(deep(65_537), "limit stack");
    let (mut fits, mut overflows) = (1000, 65_537);
    while overflows - fits > 256 {
        let middle = u32::midpoint(fits, overflows);
        match deep(middle).as_str() {
            "ok" => fits = middle,
            "limit stack" => overflows = middle,
            other => panic!("{middle}: {other}"),
        }
    }
    // Frames are multiples of 16 bytes: so many make up 1 MiB, but for what is in use above them.
    let frame = f64::from(1 << 20) / f64::from(fits);
    let whole = (frame / 16.0).round() * 16.0;
    assert!(
        (frame - whole).abs() < whole / 20.0,
        "{fits} levels of {frame} bytes"
    );
}

/// Counts what it hears.
#[derive(Default)]
struct Heard {
    loads: AtomicUsize,
    limits: AtomicUsize,
    instances: AtomicUsize,
    ended: AtomicUsize,
}

impl Observe for Heard {
    fn loaded(&self, _: &str, class: Class, _: Duration, result: Result<(), &Error>) {
        assert_eq!(class, Class::Tenant);
        self.loads.fetch_add(1, Ordering::SeqCst);
        if matches!(result, Err(Error::Limit { .. })) {
            self.limits.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn began(&self, _: &PluginPre, export: &'static str) {
        assert!(matches!(export, "render" | "transform" | "describe"));
        self.instances.fetch_add(1, Ordering::SeqCst);
    }

    fn ended(&self, plugin: &PluginPre, export: &'static str, ended: &Ended<'_>) {
        assert_eq!(plugin.name(), "spinner");
        match ended.failure {
            Some(Failure::Limit { limit, .. }) => {
                assert_eq!((*limit, export == "transform"), (Limit::Fuel, false));
                assert!(ended.usage.peak_memory >= 2 * 65536);
            }
            Some(Failure::Contract { .. }) => assert_eq!(export, "transform"),
            _ => panic!("{export}: {ended:?}"),
        }
        self.instances.fetch_sub(1, Ordering::SeqCst);
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    fn reused(&self, _: &PluginPre, _: &'static str) {
        self.ended.fetch_add(10, Ordering::SeqCst);
    }
}

#[test]
fn whoever_watches_hears_of_every_overrun() {
    let _alone = alone();
    let heard = Arc::new(Heard::default());
    let config = SandboxConfig {
        wasm_size: 5000,
        results: 1 << 20,
        ..config()
    };
    let sandbox = Sandbox::observed(config, heard.clone()).expect("sandbox");
    let wasm = component::of_module(
        "(module (memory (export \"memory\") 2)
           (func (export %render) (param i32 i32) (result i32) (loop (br 0)) (unreachable))
           (func (export \"tidegate:plugin/renderer@0.1.0#describe\") (result i32) (loop (br 0)) (unreachable))
           %realloc
         )",
    );
    assert!(wasm.len() < 5000, "{}", wasm.len());
    let plugin = sandbox
        .load_with("spinner", &wasm, Grants::default())
        .expect("it loads");
    assert!(sandbox.load(&[0; 5001]).is_err());
    let limits = Limits {
        fuel: Some(1_000_000),
        ..Limits::TENANT
    };
    for _ in 0..2 {
        let report = plugin.render(Call {
            limits: Some(limits.clone()),
            ..call()
        });
        assert_eq!(name_of(&Ok(report)), "limit fuel");
    }
    assert!(plugin.describe().is_err());
    let other = plugin.transform(Call::default());
    assert_eq!(name_of(&Ok(other)), "contract");
    let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
    assert_eq!((count(&heard.loads), count(&heard.limits)), (2, 1));
    // It was asked what it is before anything was kept, and again; two ran, and one was asked for what it has not.
    assert_eq!((count(&heard.ended), count(&heard.instances)), (5, 0));
}
