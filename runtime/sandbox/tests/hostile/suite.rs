use crate::case::Case;
use crate::component;
use crate::neighbour::Neighbour;
use crate::tree::MemoryTree;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tidegate_sandbox::{
    Call, CallReport, Class, Error, Failure, Limits, PluginPre, Sandbox, SandboxConfig,
    write_builtins,
};

pub(crate) fn config() -> SandboxConfig {
    SandboxConfig {
        running: 2,
        results: 0,
        ..SandboxConfig::controller()
    }
}

/// What happened, in the words of the cases: `ok`, `load imports`, `limit fuel`, `trap` …
pub(crate) fn name_of(result: &Result<CallReport, Error>) -> String {
    match result {
        Err(Error::Limit { limit, .. }) => format!("load limit {limit}"),
        Err(error) => format!("load {}", error.name()),
        Ok(report) => match &report.outcome {
            Ok(()) => "ok".to_owned(),
            Err(Failure::Limit { limit, .. }) => format!("limit {limit}"),
            Err(failure) => failure.name().to_owned(),
        },
    }
}

pub(crate) fn call() -> Call {
    let tree = MemoryTree::of(&[("a/b.yaml", "kind: X"), ("a/c/d.yaml", "kind: Y")]);
    Call {
        source: Some(tree.shared()),
        tenant: "team".to_owned(),
        ..Call::default()
    }
}

/// Memory, files and threads are the process's: one test at a time, so that each sees only its own.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: u64 = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("a number");
    pages * 4096
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("fd").count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("task").count()
}

fn check(
    case: &Case,
    class: Class,
    expected: &str,
    run: impl FnOnce() -> Result<Arc<PluginPre>, Error>,
) {
    let before = resident();
    let loaded = run();
    let began = Instant::now();
    let result = loaded.map(|plugin| {
        let limits = case.limits(Limits::of(class));
        let report = plugin.render(Call {
            limits: Some(limits),
            ..call()
        });
        if !case.describes {
            return report;
        }
        assert_eq!(
            report.outcome,
            Ok(()),
            "{}: it only describes badly",
            case.name
        );
        CallReport {
            outcome: plugin.describe().map(|_| ()),
            ..report
        }
    });
    let took = began.elapsed();
    let text = match &result {
        Err(error) => error.to_string(),
        Ok(report) => format!("{:?} logs {:?}", report.outcome, report.logs),
    };
    assert_eq!(
        name_of(&result),
        expected,
        "{} as {class:?}: {text}",
        case.name
    );
    assert!(
        took < case.within,
        "{} as {class:?} took {took:?}",
        case.name
    );
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 200 * 1024 * 1024,
        "{} as {class:?} left {grown} bytes",
        case.name
    );
    if let Ok(report) = &result {
        let logged: Vec<_> = report
            .logs
            .iter()
            .map(|line| line.message.as_str())
            .collect();
        for expected in &case.logs {
            assert!(
                logged.contains(&expected.as_str()),
                "{}: {logged:?}",
                case.name
            );
        }
        assert!(report.usage.log_dropped >= case.dropped, "{}", case.name);
        let limits = Limits::of(class);
        let kept: usize = report.logs.iter().map(|line| line.message.len()).sum();
        assert!(kept as u64 <= limits.log, "{}: {kept} bytes", case.name);
        assert!(report.usage.peak_memory <= limits.memory);
        assert!(report.logs.len() <= limits.log_lines as usize);
    }
}

#[test]
fn every_hostile_plugin_ends_with_a_named_error() {
    let _alone = alone();
    let cases = Case::all();
    let folder = tempfile::tempdir().expect("a folder");
    let components: Vec<_> = cases
        .iter()
        .map(|case| {
            (
                case.name.clone(),
                component::of_world(&case.world, &case.module),
            )
        })
        .collect();
    let runnable: Vec<_> = components
        .iter()
        .zip(&cases)
        .filter(|(_, case)| !case.builtin.is_empty())
        .map(|(component, _)| component.clone())
        .collect();
    write_builtins(folder.path(), &runnable).expect("built-ins");
    let (files, tasks) = (open_files(), threads());
    let sandbox = Sandbox::new(SandboxConfig {
        plugins: Some(folder.path().to_owned()),
        ..config()
    })
    .expect("sandbox");
    let neighbour = Neighbour::start(&sandbox);
    neighbour.check();
    for (case, (name, wasm)) in cases.iter().zip(&components) {
        if !case.tenant.is_empty() {
            check(case, Class::Tenant, &case.tenant, || {
                sandbox.load_with(name, wasm, tidegate_sandbox::Grants::default())
            });
            neighbour.check();
        }
        if !case.builtin.is_empty() {
            check(case, Class::Builtin, &case.builtin, || {
                sandbox.builtin(name)
            });
            neighbour.check();
        }
    }
    // Loaded plugins hold memory files for their data; with the sandbox all of it must go.
    drop(neighbour);
    drop(sandbox);
    assert!(
        open_files() <= files + 2,
        "{} files leaked",
        open_files() - files
    );
    // The epoch thread ends at its next tick.
    let deadline = Instant::now() + std::time::Duration::from_secs(30);
    while threads() > tasks + 2 && Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(
        threads() <= tasks + 2,
        "{} threads leaked",
        threads() - tasks
    );
}

#[test]
fn an_overrun_names_plugin_limit_and_value() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let wasm = component::of_module(
        "(module (memory (export \"memory\") 2)
           (func (export %render) (param i32 i32) (result i32) (loop (br 0)) (unreachable))
           %realloc
           %describe
         )",
    );
    let plugin = sandbox
        .load_with("spinner", &wasm, tidegate_sandbox::Grants::default())
        .expect("it loads");
    let limits = Limits {
        fuel: Some(1_000_000),
        ..Limits::TENANT
    };
    let report = plugin.render(Call {
        limits: Some(limits),
        ..call()
    });
    let failure = report.outcome.expect_err("it never ends");
    assert_eq!(
        failure.to_string(),
        "plugin `spinner` exceeded the limit `fuel` of 1000000"
    );
    assert!(failure.is_deterministic());
    assert_eq!(report.usage.fuel, Some(1_000_000));
}

#[test]
fn a_cancelled_call_ends_at_the_next_tick() {
    let _alone = alone();
    let sandbox = Sandbox::new(config()).expect("sandbox");
    let wasm = component::of_module(
        "(module (memory (export \"memory\") 2)
           (func (export %render) (param i32 i32) (result i32) (loop (br 0)) (unreachable))
           %realloc
           %describe
         )",
    );
    let plugin = sandbox.load(&wasm).expect("it loads");
    let cancel = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let limits = Limits {
        fuel: Some(50_000_000_000),
        ..Limits::TENANT
    };
    let call = Call {
        cancel: Some(Arc::clone(&cancel)),
        limits: Some(limits),
        ..call()
    };
    let (report, took) = std::thread::scope(|scope| {
        let run = scope.spawn(move || plugin.render(call));
        std::thread::sleep(std::time::Duration::from_millis(50));
        cancel.store(true, std::sync::atomic::Ordering::SeqCst);
        let cancelled = Instant::now();
        (run.join().expect("no panic"), cancelled.elapsed())
    });
    assert_eq!(
        report.outcome.as_ref().map_err(Failure::name),
        Err("cancelled")
    );
    // It would have ended by itself at its limit.
    assert!(took < Limits::TENANT.wall / 2, "{took:?}");
}
