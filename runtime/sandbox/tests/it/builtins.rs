use crate::tree::MemoryTree;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_sandbox::{
    Call, Error, Failure, Format, Location, Manifest, PluginPre, Question, Sandbox, SandboxConfig,
    TreeName, World,
};
use tidegate_values::{ObjectRef, RemoteError, RemoteSource, Tree};

pub(crate) const CONFIG_MAP: &str =
    "apiVersion: v1\ndata:\n  color: blue\nkind: ConfigMap\nmetadata:\n  name: settings\n";

pub(crate) fn sandbox(config: SandboxConfig) -> Sandbox {
    Sandbox::new(config).expect("sandbox")
}

pub(crate) fn kustomize(sandbox: &Sandbox) -> Arc<PluginPre> {
    sandbox
        .builtin("kustomize")
        .expect("run `cargo xtask plugins` first")
}

fn folder() -> MemoryTree {
    MemoryTree::of(&[
        ("app/kustomization.yaml", "resources:\n- settings.yaml\n"),
        ("app/settings.yaml", CONFIG_MAP),
        ("other/readme.md", "nothing to do with it"),
    ])
}

pub(crate) fn call(tree: Arc<dyn Tree>) -> Call {
    Call {
        tenant: "team".to_owned(),
        source: Some(tree),
        path: "app".to_owned(),
        ..Call::default()
    }
}

#[test]
fn kustomize_renders_a_folder() {
    for config in [SandboxConfig::command_line(), SandboxConfig::controller()] {
        let sandbox = sandbox(config);
        let report = kustomize(&sandbox).render(call(folder().shared()));
        assert_eq!(report.outcome, Ok(()), "{:?}", report.logs);
        let emitted: Vec<_> = report
            .emissions
            .iter()
            .map(|emission| emission.bytes.as_ref())
            .collect();
        assert_eq!(emitted, [CONFIG_MAP.as_bytes()]);
        let source = report.emissions[0].source.as_ref().expect("a source");
        assert_eq!(source.path, "app/settings.yaml");
        assert!(
            report.usage.peak_memory > 0 && report.usage.host_calls > 0,
            "{:?}",
            report.usage
        );
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
    assert!(
        !first
            .trace
            .holds(&call(Arc::clone(&here)))
            .expect("an answer")
    );
    let third = plugin.render(call(here));
    assert!(!third.cached);
    assert_ne!(third.emissions, first.emissions);

    let other_tenant = Call {
        tenant: "other".to_owned(),
        ..call(folder().shared())
    };
    assert!(!plugin.render(other_tenant).cached);
}

#[test]
fn a_lost_blob_is_no_missing_file() {
    let sandbox = sandbox(SandboxConfig::controller());
    let plugin = kustomize(&sandbox);
    for lost in ["app/kustomization.yaml", "app/settings.yaml"] {
        let mut tree = folder();
        tree.lost.push(lost.to_owned());
        let report = plugin.render(call(tree.shared()));
        assert_eq!(
            report.outcome,
            Err(Failure::Host(format!("blob of {lost} is lost")))
        );
    }
    assert_eq!(plugin.render(call(folder().shared())).outcome, Ok(()));
}

#[test]
fn builtins_import_nothing_but_the_contract() {
    let sandbox = sandbox(SandboxConfig::command_line());
    for (name, world) in [
        ("kustomize", World::Render),
        ("substitute", World::Transform),
        ("drift", World::Compare),
    ] {
        let plugin = sandbox
            .builtin(name)
            .expect("run `cargo xtask plugins` first");
        assert_eq!(plugin.world(), world);
        assert!(!plugin.imports().is_empty());
        for import in plugin.imports() {
            assert!(
                import.starts_with("tidegate:plugin/"),
                "{name} imports {import}"
            );
        }
        let description = plugin.describe().expect("a description");
        assert_eq!(description.name, format!("tidegate-component-{name}"));
    }
}

#[test]
fn substitute_replaces_variables_and_keeps_the_rest() {
    let sandbox = sandbox(SandboxConfig::controller());
    let plugin = sandbox
        .builtin("substitute")
        .expect("run `cargo xtask plugins` first");
    let with_variable = CONFIG_MAP.replace("blue", "${color}");
    let manifest = |text: &str, name: &str| Manifest {
        id: ObjectRef {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            name: name.to_owned(),
            ..ObjectRef::default()
        },
        format: Format::Yaml,
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        origin: Some(Location {
            path: format!("{name}.yaml"),
            index: 0,
            line: 1,
            column: 1,
        }),
    };
    let plain = "# a comment\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\n";
    let call = Call {
        config: r#"{"vars": {"color": "green"}, "strict": true}"#.to_owned(),
        manifests: vec![
            manifest(&with_variable, "settings"),
            manifest(plain, "plain"),
        ],
        ..Call::default()
    };
    let report = plugin.transform(call.clone());
    assert_eq!(report.outcome, Ok(()), "{:?}", report.logs);
    let emitted: Vec<_> = report
        .emissions
        .iter()
        .map(|emission| std::str::from_utf8(&emission.bytes))
        .collect();
    let changed =
        "apiVersion: v1\ndata:\n  color: green\nkind: ConfigMap\nmetadata:\n  name: settings\n";
    assert_eq!(emitted, [Ok(changed), Ok(plain)]);
    assert_eq!(report.emissions[1].kept, Some(1));
    assert_eq!(
        report.emissions[0]
            .source
            .as_ref()
            .map(|source| source.path.as_str()),
        Some("settings.yaml")
    );

    let unset = plugin.transform(Call {
        config: r#"{"vars": {"other": "x"}, "strict": true}"#.to_owned(),
        ..call
    });
    let Err(Failure::InvalidInput(diagnostics)) = unset.outcome else {
        panic!("{:?}", unset.outcome)
    };
    assert!(diagnostics[0].message.contains("color"), "{diagnostics:?}");
}

#[test]
fn remote_bases_need_a_remote_source() {
    let sandbox = sandbox(SandboxConfig::controller());
    let tree = MemoryTree::of(&[(
        "app/kustomization.yaml",
        "resources:\n- https://host.example/org/repository//base?ref=v1\n",
    )]);
    let tree = tree.shared();
    let denied = kustomize(&sandbox).render(call(Arc::clone(&tree)));
    let Err(Failure::InvalidInput(diagnostics)) = denied.outcome else {
        panic!("{:?}", denied.outcome)
    };
    assert!(
        diagnostics[0].message.contains("not allowed"),
        "{diagnostics:?}"
    );

    let base = MemoryTree::of(&[
        ("base/kustomization.yaml", "resources:\n- settings.yaml\n"),
        ("base/settings.yaml", CONFIG_MAP),
    ]);
    let with = |remote: Remote| Call {
        remote: Some(Arc::new(remote)),
        ..call(Arc::clone(&tree))
    };
    let found = kustomize(&sandbox).render(with(Remote::Has(base.shared())));
    assert_eq!(found.outcome, Ok(()), "{:?}", found.logs);
    assert_eq!(found.emissions[0].bytes, CONFIG_MAP.as_bytes());
    assert!(found.trace.iter().any(|(question, _)| matches!(question, Question::File(TreeName::Remote(_), path) if path == "base/settings.yaml")));

    let down = kustomize(&sandbox).render(with(Remote::Down));
    assert_eq!(
        down.outcome,
        Err(Failure::Host("host.example does not answer".to_owned()))
    );
}

/// What remote bases are opened with.
enum Remote {
    Has(Arc<dyn Tree>),
    Down,
}

impl RemoteSource for Remote {
    fn open(&self, _locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        match self {
            Self::Has(tree) => Ok((Arc::clone(tree), "base".to_owned())),
            Self::Down => Err(RemoteError::Unavailable(
                "host.example does not answer".to_owned(),
            )),
        }
    }

    fn read(&self, _url: &str) -> Result<Bytes, RemoteError> {
        match self {
            Self::Has(_) => Err(RemoteError::NotFound("404 Not Found".to_owned())),
            Self::Down => Err(RemoteError::Unavailable(
                "host.example does not answer".to_owned(),
            )),
        }
    }
}

/// Answers late, with one manifest.
struct Slow;

impl RemoteSource for Slow {
    fn open(&self, _locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        Err(RemoteError::NotFound("404 Not Found".to_owned()))
    }

    fn read(&self, _url: &str) -> Result<Bytes, RemoteError> {
        std::thread::sleep(std::time::Duration::from_millis(200));
        Ok(Bytes::from_static(CONFIG_MAP.as_bytes()))
    }
}

#[test]
fn more_guests_wait_for_something_than_the_pool_has_instances() {
    let sandbox = sandbox(SandboxConfig {
        pool: 2,
        waiting: 1,
        results: 0,
        ..SandboxConfig::controller()
    });
    let plugin = kustomize(&sandbox);
    let folder = MemoryTree::of(&[(
        "app/kustomization.yaml",
        "resources:\n- https://host.example/settings.yaml\n",
    )])
    .shared();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let report = plugin.render(Call {
                    remote: Some(Arc::new(Slow)),
                    ..call(Arc::clone(&folder))
                });
                assert_eq!(report.outcome, Ok(()));
                assert_eq!(report.emissions.len(), 1);
            });
        }
    });
}

#[test]
fn a_missing_builtin_names_the_command_that_makes_it() {
    let sandbox = sandbox(SandboxConfig {
        plugins: Some(PathBuf::from("/nowhere")),
        ..SandboxConfig::controller()
    });
    let error = sandbox.builtin("kustomize").expect_err("nothing is there");
    assert!(matches!(error, Error::NoBuiltin { .. }), "{error}");
    assert!(error.to_string().contains("cargo xtask plugins"), "{error}");
}
