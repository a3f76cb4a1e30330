use crate::case::Case;
use crate::component;
use crate::harness::{Bounds, Harness};
use crate::neighbour;
use crate::tree::MemoryTree;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tidegate_sandbox::{
    Call, CallReport, Class, Error, Failure, Format, Grants, Limits, Manifest, PluginPre, Sandbox,
    SandboxConfig, World, write_builtins,
};
use tidegate_values::ObjectRef;

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
    let manifest = Manifest {
        id: ObjectRef::default(),
        format: Format::Yaml,
        bytes: "kind: X".into(),
        origin: None,
    };
    Call {
        source: Some(tree.shared()),
        manifests: vec![manifest],
        tenant: "team".to_owned(),
        ..Call::default()
    }
}

/// Memory, files and threads are the process's: one test at a time, so that each sees only its own.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What attacks may cost that say nothing else. Memory: what a tenant's plugin may have and emit, and some for the host.
pub(crate) const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(40),
    memory: Limits::TENANT.memory + Limits::TENANT.output + (32 << 20),
};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("fd").count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("task").count()
}

/// A case as `class`, loaded by `load`.
fn check(
    harness: &Harness,
    case: &Arc<Case>,
    class: Class,
    expected: &str,
    load: impl FnOnce() -> Result<Arc<PluginPre>, Error> + Send + 'static,
) {
    let name = format!("{} as {class:?}", case.name);
    let attacking = Arc::clone(case);
    let result = harness.attack(&name, case.bounds, move || {
        load().map(|plugin| run(&attacking, &plugin))
    });
    let text = match &result {
        Err(error) => error.to_string(),
        Ok(report) => format!("{:?} logs {:?}", report.outcome, report.logs),
    };
    assert_eq!(name_of(&result), expected, "{name}: {text}");
    for part in &case.says {
        assert!(text.contains(part), "{name}: {text}");
    }
    if let Ok(report) = &result {
        let logged: Vec<_> = report
            .logs
            .iter()
            .map(|line| line.message.as_str())
            .collect();
        for expected in &case.logs {
            assert!(logged.contains(&expected.as_str()), "{name}: {logged:?}");
        }
        assert!(report.usage.log_dropped >= case.dropped, "{name}");
        if case.world == "hostile-validate" {
            let (emitted, attached) = (&report.emissions, &report.attachments);
            assert!(emitted.is_empty() && attached.is_empty(), "{name}");
            assert_eq!(report.diagnostics.len(), 1, "{name}");
        }
        let limits = Limits::of(class);
        let kept: usize = report.logs.iter().map(|line| line.message.len()).sum();
        assert!(kept as u64 <= limits.log, "{name}: {kept} bytes");
        assert!(report.usage.peak_memory <= limits.memory, "{name}");
        assert!(report.logs.len() <= limits.log_lines as usize, "{name}");
    }
}

fn run(case: &Case, plugin: &PluginPre) -> CallReport {
    let call = Call {
        limits: Some(case.limits(Limits::of(plugin.class()))),
        ..call()
    };
    let report = match plugin.world() {
        World::Validate => plugin.validate(call),
        _ => plugin.render(call),
    };
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
}

#[test]
fn every_hostile_plugin_ends_with_a_named_error() {
    let _alone = alone();
    let cases: Vec<_> = Case::all().into_iter().map(Arc::new).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let components: Vec<_> = cases
        .iter()
        .map(|case| (case.name.clone(), component::of_case(case)))
        .collect();
    let mut builtins: Vec<_> = components
        .iter()
        .zip(&cases)
        .filter(|(_, case)| !case.builtin.is_empty())
        .map(|(component, _)| component.clone())
        .collect();
    builtins.push((neighbour::BUILTIN.to_owned(), neighbour::wasm()));
    write_builtins(folder.path(), &builtins).expect("built-ins");
    let (files, tasks) = (open_files(), threads());
    let sandbox = Sandbox::new(SandboxConfig {
        plugins: Some(folder.path().to_owned()),
        ..config()
    });
    let sandbox = Arc::new(sandbox.expect("sandbox"));
    let harness = neighbour::beside(&sandbox);
    for (case, (name, wasm)) in cases.iter().zip(components) {
        let (loading, called) = (Arc::clone(&sandbox), name.clone());
        if !case.tenant.is_empty() {
            check(&harness, case, Class::Tenant, &case.tenant, move || {
                loading.load_with(&called, &wasm, Grants::default())
            });
        }
        let loading = Arc::clone(&sandbox);
        if !case.builtin.is_empty() {
            check(&harness, case, Class::Builtin, &case.builtin, move || {
                loading.builtin(&name)
            });
        }
    }
    // Loaded plugins hold memory files for their data; with the sandbox all of it must go.
    drop(harness);
    drop(sandbox);
    assert!(
        open_files() <= files + 2,
        "{} files leaked",
        open_files() - files
    );
    // The epoch thread ends at its next tick.
    let deadline = Instant::now() + Duration::from_secs(30);
    while threads() > tasks + 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
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
        .load_with("spinner", &wasm, Grants::default())
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
