//! The plugins of `examples/plugins`, one for each world, made with the SDK: built for both targets that it is for, and run
//! with nothing granted.

use crate::tree::MemoryTree;
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_sandbox::{
    Call, Diagnostic, Failure, Format, Grants, Location, Manifest, ObjectId, PLUGINS_DIR,
    PluginPre, Role, Sandbox, SandboxConfig, Severity, World,
};
use tidegate_values::{Comparison, DriftCheck, Judgement, ObjectRef, Pair, Upkeep, Verdict};

/// All that std of wasm32-wasip2 asks for: each is sealed.
const SEALED: &[&str] = &[
    "wasi:cli/environment@",
    "wasi:cli/exit@",
    "wasi:cli/stderr@",
    "wasi:cli/stdin@",
    "wasi:cli/stdout@",
    "wasi:cli/terminal-",
    "wasi:io/error@",
    "wasi:io/poll@",
    "wasi:io/streams@",
    "wasi:random/insecure-seed@",
];

fn folder() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the built-ins are, as for every test"
    )]
    let built = std::env::var_os(PLUGINS_DIR).map_or_else(
        || {
            let test = std::env::current_exe().expect("a path");
            let target = test.ancestors().nth(3).expect("<target>/<profile>/deps/");
            target.join("plugins/built")
        },
        PathBuf::from,
    );
    built.with_file_name("examples")
}

/// Runs `test` with the example as it is built for each target.
fn each(name: &str, world: World, test: impl Fn(&Arc<PluginPre>)) {
    let sandbox = Sandbox::new(SandboxConfig::controller()).expect("sandbox");
    for (file, is_wasi) in [
        (format!("{name}.wasm"), false),
        (format!("{name}.wasip2.wasm"), true),
    ] {
        let path = folder().join(&file);
        let wasm = std::fs::read(&path).unwrap_or_else(|error| {
            panic!(
                "{}: {error}; run `cargo xtask plugins` first",
                path.display()
            )
        });
        let plugin = sandbox.load_with(&file, &wasm, Grants::default());
        let plugin = plugin.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(plugin.world(), world, "{file}");
        let (wasi, ours): (Vec<_>, Vec<_>) = plugin
            .imports()
            .iter()
            .partition(|import| import.starts_with("wasi:"));
        assert!(!ours.is_empty(), "{file}");
        assert_eq!(!wasi.is_empty(), is_wasi, "{file}: {wasi:?}");
        for import in wasi {
            let sealed = SEALED.iter().any(|sealed| import.starts_with(sealed));
            assert!(sealed, "{file}: {import}");
        }
        for import in ours {
            assert!(import.starts_with("tidegate:plugin/"), "{file}: {import}");
        }
        let description = plugin.describe().expect("a description");
        assert_eq!(description.name, format!("tidegate-example-{name}"));
        assert!(description.deterministic && !description.summary.is_empty());
        test(&plugin);
    }
}

fn manifest(kind: &str, namespace: &str, name: &str) -> Manifest {
    Manifest {
        id: ObjectRef {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        },
        format: Format::Yaml,
        bytes: Bytes::from(format!("# as it was\nkind: {kind}\n")),
        origin: Some(Location {
            path: format!("{name}.yaml"),
            index: 0,
            line: 1,
            column: 1,
        }),
    }
}

#[test]
fn a_renderer() {
    let call = |config: &str, file: &str| {
        let tree = MemoryTree::of(&[("app/a.txt", file), ("app/below/b.txt", "b"), ("c", "c")]);
        Call {
            source: Some(tree.shared()),
            path: "app".to_owned(),
            config: config.to_owned(),
            ..Call::default()
        }
    };
    each("config-map", World::Render, |plugin| {
        let report = plugin.render(call(r#"{"name": "texts"}"#, "a \"quoted\"\nline\n"));
        assert_eq!(report.outcome, Ok(()), "{:?}", report.logs);
        let [emission] = report.emissions.as_slice() else {
            panic!("{:?}", report.emissions)
        };
        assert_eq!(
            (emission.role, emission.format),
            (Role::Manifest, Format::Json)
        );
        let object: Value = serde_json::from_slice(&emission.bytes).expect("JSON");
        let expected = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "texts"},
            "data": {"a.txt": "a \"quoted\"\nline\n"},
        });
        assert_eq!(object, expected);
        let refused = plugin.render(call(r#"{"nam": "a secret"}"#, ""));
        assert_eq!(
            refused
                .outcome
                .map_err(|failure| (failure.name(), failure.to_string())),
            Err((
                "invalid_input",
                "the configuration cannot be read (Data)".to_owned()
            ))
        );
        let nowhere = plugin.render(Call {
            path: "lost".to_owned(),
            ..call(r#"{"name": "texts"}"#, "")
        });
        assert_eq!(
            nowhere.outcome.map_err(|failure| failure.to_string()),
            Err("lost: no such file or directory".to_owned())
        );
    });
}

#[test]
fn a_transformer() {
    each("without-kinds", World::Transform, |plugin| {
        let report = plugin.transform(Call {
            config: r#"{"kinds": ["Ingress", "Secret"]}"#.to_owned(),
            manifests: vec![
                manifest("Service", "team", "one"),
                manifest("Ingress", "team", "two"),
                manifest("Deployment", "team", "three"),
            ],
            ..Call::default()
        });
        assert_eq!(report.outcome, Ok(()), "{:?}", report.logs);
        let kept: Vec<_> = report
            .emissions
            .iter()
            .map(|emission| (emission.kept, emission.bytes.as_ref()))
            .collect();
        let expected: [(_, &[u8]); 2] = [
            (Some(0), b"# as it was\nkind: Service\n"),
            (Some(2), b"# as it was\nkind: Deployment\n"),
        ];
        assert_eq!(kept, expected);
        let [line] = report.logs.as_slice() else {
            panic!("{:?}", report.logs)
        };
        let fields = [("kind", "Ingress"), ("name", "two")];
        assert_eq!(line.message, "left out");
        assert_eq!(
            line.fields,
            fields.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    });
}

#[test]
fn a_validator() {
    let call = |config: &str| Call {
        config: config.to_owned(),
        manifests: vec![
            manifest("Service", "team", "one"),
            manifest("ClusterRole", "", "two"),
            manifest("Deployment", "", "three"),
        ],
        ..Call::default()
    };
    each("namespaced", World::Validate, |plugin| {
        let report = plugin.validate(call(r#"{"clusterScoped": ["ClusterRole"]}"#));
        assert_eq!(report.outcome, Ok(()), "{:?}", report.logs);
        let found = Diagnostic {
            severity: Severity::Error,
            code: "no-namespace".to_owned(),
            message: "Deployment `three` says no namespace".to_owned(),
            object: Some(ObjectId {
                api_version: "v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: None,
                name: "three".to_owned(),
            }),
            field: Some("metadata.namespace".to_owned()),
            current_value: None,
            proposed_value: None,
            location: manifest("Deployment", "", "three").origin,
            tags: Vec::new(),
        };
        assert_eq!(report.diagnostics, [found]);
        assert!(report.emissions.is_empty() && report.attachments.is_empty());

        let both = plugin.validate(call(""));
        assert_eq!(both.diagnostics.len(), 2);
        let refused = plugin.validate(call("3"));
        let Err(Failure::InvalidInput(diagnostics)) = refused.outcome else {
            panic!("{:?}", refused.outcome)
        };
        assert_eq!(diagnostics[0].code, "config");
        // It has no other function than this one.
        let other = plugin.transform(call(""));
        assert_eq!(
            other.outcome.map_err(|failure| failure.name()),
            Err("contract")
        );
    });
}

#[test]
fn a_drift_check() {
    let pair = |desired: Value, live: Option<Value>| Pair {
        id: ObjectRef::default(),
        desired: Arc::new(desired),
        live: live.map(Arc::new),
        dry_run: None,
        last_manager: None,
    };
    let judged = |verdict, pointers: &[&str], left: &[&str]| Judgement {
        verdict,
        pointers: pointers.iter().map(ToString::to_string).collect(),
        left_alone: left
            .iter()
            .map(|pointer| ((*pointer).to_owned(), Upkeep::Adopt))
            .collect(),
    };
    each("subset", World::Compare, |plugin| {
        let desired = json!({"spec": {"replicas": 2, "image": "a"}, "labels": {"a/b": "c"}});
        let comparison = Comparison {
            tenant: "team".to_owned(),
            config: r#"{"keep": ["/spec/replicas"], "fieldManager": "somebody"}"#.to_owned(),
            pairs: vec![
                pair(desired.clone(), Some(desired.clone())),
                pair(
                    desired.clone(),
                    Some(json!({"spec": {"replicas": 9, "image": "b"}, "labels": {"more": "d"}})),
                ),
                pair(desired, None),
            ],
        };
        let expected = [
            judged(Verdict::Same, &[], &["/spec/replicas"]),
            judged(
                Verdict::Drifted,
                &["/spec/image", "/labels/a~1b"],
                &["/spec/replicas"],
            ),
            judged(Verdict::Drifted, &[], &[]),
        ];
        assert_eq!(plugin.check(comparison).expect("judgements"), expected);
    });
}
