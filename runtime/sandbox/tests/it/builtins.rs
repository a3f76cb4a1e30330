use crate::tree::MemoryTree;
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_sandbox::{Call, Error, Failure, PluginPre, Sandbox, SandboxConfig, World};
use tidegate_values::Tree;

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  color: blue\n";

fn sandbox(config: SandboxConfig) -> Sandbox {
    Sandbox::new(config).expect("sandbox")
}

fn kustomize(sandbox: &Sandbox) -> Arc<PluginPre> {
    sandbox.builtin("kustomize").expect("run `cargo xtask plugins` first")
}

fn folder() -> MemoryTree {
    MemoryTree::of(&[
        ("app/kustomization.yaml", "resources:\n- settings.yaml\n"),
        ("app/settings.yaml", CONFIG_MAP),
        ("other/readme.md", "nothing to do with it"),
    ])
}

fn call(tree: Arc<dyn Tree>) -> Call {
    Call { tenant: "team".to_owned(), source: Some(tree), path: "app".to_owned(), ..Call::default() }
}

#[test]
fn kustomize_renders_a_folder() {
    for config in [SandboxConfig::command_line(), SandboxConfig::controller()] {
        let sandbox = sandbox(config);
        let report = kustomize(&sandbox).render(call(folder().shared()));
        assert_eq!(report.outcome, Ok(()), "{:?}", report.logs);
        let emitted: Vec<_> = report.emissions.iter().map(|emission| emission.bytes.as_ref()).collect();
        assert_eq!(emitted, [CONFIG_MAP.as_bytes()]);
        let source = report.emissions[0].source.as_ref().expect("a source");
        assert_eq!(source.path, "app/settings.yaml");
        assert!(report.usage.peak_memory > 0 && report.usage.host_calls > 0, "{:?}", report.usage);
    }
}

#[test]
fn a_change_elsewhere_is_a_hit_and_a_change_here_is_none() {
    let sandbox = sandbox(SandboxConfig::controller());
    let plugin = kustomize(&sandbox);
    let first = plugin.render(call(folder().shared()));
    assert!(!first.cached);

    let elsewhere = MemoryTree::of(&[
        ("app/kustomization.yaml", "resources:\n- settings.yaml\n"),
        ("app/settings.yaml", CONFIG_MAP),
        ("other/readme.md", "changed"),
        ("third/new.yaml", "new"),
    ]);
    let second = plugin.render(call(elsewhere.shared()));
    assert!(second.cached, "{:?}", second.trace);
    assert_eq!(second.emissions, first.emissions);

    let changed = CONFIG_MAP.replace("blue", "red");
    let here = MemoryTree::of(&[
        ("app/kustomization.yaml", "resources:\n- settings.yaml\n"),
        ("app/settings.yaml", &changed),
    ]);
    let here = here.shared();
    assert!(!first.trace.holds(&call(Arc::clone(&here))).expect("an answer"));
    let third = plugin.render(call(here));
    assert!(!third.cached);
    assert_ne!(third.emissions, first.emissions);

    let other_tenant = Call { tenant: "other".to_owned(), ..call(folder().shared()) };
    assert!(!plugin.render(other_tenant).cached);
}

#[test]
fn a_lost_blob_is_no_missing_file() {
    let sandbox = sandbox(SandboxConfig::controller());
    let plugin = kustomize(&sandbox);
    for lost in ["app/kustomization.yaml", "app/settings.yaml"] {
        let report = plugin.render(call(folder().losing(lost).shared()));
        assert_eq!(report.outcome, Err(Failure::Host(format!("blob of {lost} is lost"))));
    }
    assert_eq!(plugin.render(call(folder().shared())).outcome, Ok(()));
}

#[test]
fn builtins_import_nothing_but_the_contract() {
    let sandbox = sandbox(SandboxConfig::command_line());
    for (name, world) in
        [("kustomize", World::Render)]
    {
        let plugin = sandbox.builtin(name).expect("run `cargo xtask plugins` first");
        assert_eq!(plugin.world(), world);
        for import in plugin.imports() {
            assert!(import.starts_with("tidegate:plugin/"), "{name} imports {import}");
        }
        let description = plugin.describe().expect("a description");
        assert_eq!(description.name, format!("tidegate-component-{name}"));
    }
}

#[test]
fn a_missing_builtin_names_the_command_that_makes_it() {
    let sandbox = sandbox(SandboxConfig { plugins: Some(PathBuf::from("/nowhere")), ..SandboxConfig::controller() });
    let error = sandbox.builtin("kustomize").expect_err("nothing is there");
    assert!(matches!(error, Error::NoBuiltin { .. }), "{error}");
    assert!(error.to_string().contains("cargo xtask plugins"), "{error}");
}
