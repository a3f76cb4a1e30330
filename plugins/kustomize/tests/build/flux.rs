//! What Flux does around a build: facts of its controller's behaviour.

use tidegate_kustomize::{
    ErrorKind, Gvk, LoadRestrictor, ObjectId, Options, OverrideImage, OverridePatch, Overrides,
    Reorder, SecureFiles, Selector, build,
};

use crate::memory_files::{MemoryFiles, ROOT};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
const KUSTOMIZATION: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";

fn as_flux(overrides: Overrides) -> Options {
    Options {
        load_restrictor: LoadRestrictor::None,
        reorder: Reorder::None,
        generate: true,
        overrides,
        ..Options::default()
    }
}

fn yaml(files: &[(&str, &str)], overrides: Overrides) -> String {
    let files = MemoryFiles::new(files.iter().copied());
    build(&SecureFiles::new(&files, ROOT), ROOT, &as_flux(overrides))
        .expect("the build works")
        .to_yaml()
}

fn error(files: &[(&str, &str)], target: &str, overrides: Overrides) -> (ErrorKind, String) {
    let files = MemoryFiles::new(files.iter().copied());
    let root = format!("{ROOT}/app");
    let error = build(
        &SecureFiles::new(&files, &root),
        target,
        &as_flux(overrides),
    )
    .expect_err("the build fails");
    (error.kind(), error.to_string())
}

#[test]
fn a_plain_folder_has_all_its_manifests_and_the_kustomizations_below() {
    let inner = format!("{KUSTOMIZATION}namePrefix: p-\nresources: [c.yaml]\n");
    let files = [
        (
            "z.yml",
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: z\n",
        ),
        ("sub/a.yaml", MAP),
        ("sub/notes.txt", "not: a manifest"),
        ("own/kustomization.yaml", &inner),
        ("own/c.yaml", MAP),
        ("own/unused.yaml", "not a manifest"),
    ];
    let expected = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: p-a\n---\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\n\
                    apiVersion: v1\nkind: Secret\nmetadata:\n  name: z\n";
    assert_eq!(yaml(&files, Overrides::default()), expected);
}

#[test]
fn an_empty_folder_gives_nothing() {
    assert_eq!(yaml(&[("README.md", "")], Overrides::default()), "");
    let empty = [("kustomization.yaml", KUSTOMIZATION)];
    assert_eq!(yaml(&empty, Overrides::default()), "");
}

#[test]
fn overrides_are_merged_into_the_entry() {
    let entry = format!(
        "{KUSTOMIZATION}resources: [d.yaml]\nnamespace: own\nimages:\n- name: web\n  newTag: own\n"
    );
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  template:\n    spec:\n      \
                      containers:\n      - name: c\n        image: web:0\n";
    let overrides = Overrides {
        namespace: Some("target".to_owned()),
        name_prefix: Some("pre-".to_owned()),
        name_suffix: Some("-post".to_owned()),
        patches: vec![OverridePatch {
            patch: "- op: add\n  path: /spec/replicas\n  value: 3\n".to_owned(),
            target: Some(Selector {
                id: ObjectId {
                    gvk: Gvk::new("", "", "Deployment"),
                    ..ObjectId::default()
                },
                ..Selector::default()
            }),
        }],
        images: vec![OverrideImage {
            name: "web".to_owned(),
            new_name: "mirror/web".to_owned(),
            digest: "sha256:1".to_owned(),
            ..OverrideImage::default()
        }],
        components: vec!["missing".to_owned()],
        ignore_missing_components: true,
        ..Overrides::default()
    };
    let expected = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: pre-d-post\n  namespace: target\nspec:\n  \
                    replicas: 3\n  template:\n    spec:\n      containers:\n      - image: mirror/web@sha256:1\n        \
                    name: c\n";
    assert_eq!(
        yaml(
            &[("kustomization.yaml", &entry), ("d.yaml", deployment)],
            overrides
        ),
        expected
    );
}

#[test]
fn the_generator_speaks_for_itself() {
    let (kind, text) = error(
        &[("app/b.yaml", "metadata: {name: [\n")],
        "/build/app",
        Overrides::default(),
    );
    assert_eq!(kind, ErrorKind::Generator);
    assert!(
        text.starts_with(
            "failed to decode Kubernetes YAML from /build/app/b.yaml: MalformedYAMLError: "
        ),
        "{text}"
    );
    let remote = Overrides {
        components: vec!["https://example.com/x".to_owned()],
        ..Overrides::default()
    };
    let found = error(&[("app/a.yaml", MAP)], "/build/app", remote);
    assert_eq!(
        found,
        (
            ErrorKind::Generator,
            "component path 'https://example.com/x' must be local and relative".to_owned()
        )
    );
}

#[test]
fn files_outside_of_the_artifact_are_out_of_reach() {
    let entry = format!("{KUSTOMIZATION}resources: [../secret.yaml]\n");
    let files = [
        ("app/kustomization.yaml", entry.as_str()),
        ("secret.yaml", MAP),
    ];
    let (kind, text) = error(&files, "/build/app", Overrides::default());
    assert_eq!(kind, ErrorKind::Input);
    assert!(
        text.contains("fs-security-constraint read /build/secret.yaml: path '/build/secret.yaml' is not in or below '/build/app'"),
        "{text}"
    );
}

#[test]
fn a_generated_file_that_is_missing_is_named() {
    let entry = format!(
        "{KUSTOMIZATION}configMapGenerator:\n- name: c\n  files: [app.ini, other=app.ini]\n"
    );
    let (kind, text) = error(
        &[("app/kustomization.yaml", &entry)],
        "/build/app",
        Overrides::default(),
    );
    assert_eq!(kind, ErrorKind::Input);
    assert_eq!(
        text,
        "loading KV pairs: file sources: [app.ini other=app.ini]: open /build/app/app.ini: no such file or directory"
    );
}

#[test]
fn helm_charts_fail_by_name() {
    let entry = format!("{KUSTOMIZATION}helmCharts:\n- name: x\n");
    let (kind, text) = error(
        &[("app/kustomization.yaml", &entry)],
        "/build/app",
        Overrides::default(),
    );
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(text.contains("helmCharts"), "{text}");
}

#[test]
fn bases_do_not_nest_without_end() {
    let files: Vec<(String, String)> = (0..1000)
        .map(|level| {
            (
                format!("b{level}/kustomization.yaml"),
                format!("resources: [../b{}]\n", level + 1),
            )
        })
        .collect();
    let files = MemoryFiles::new(
        files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_str())),
    );
    let error = build(&files, "/build/b0", &Options::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("bases nest more than 64 levels deep"),
        "{error}"
    );
}

/// Flux does not name the file; we do. The rest of the text is Flux's.
#[test]
fn a_malformed_kustomization_is_named() {
    let files = [(
        "app/kustomization.yaml",
        "resources:\n- a.yaml\nnamespace: [\n",
    )];
    let target = format!("{ROOT}/app");
    let (kind, text) = error(&files, &target, Overrides::default());
    assert_eq!(kind, ErrorKind::Generator);
    let start = format!(
        "failed to decode kustomization from {target}/kustomization.yaml: error converting YAML to JSON: yaml: line "
    );
    assert!(text.starts_with(&start), "{text}");
    let files = [("app/kustomization.yaml", "resources: {a: b}\n")];
    let (_, text) = error(&files, &target, Overrides::default());
    assert!(
        text.contains("app/kustomization.yaml: error unmarshaling JSON"),
        "{text}"
    );
}

#[test]
fn a_failed_build_tells_what_it_had_warned_of() {
    let files = [(
        "app/kustomization.yaml",
        "commonLabels: {a: b}\nresources: [missing.yaml]\n",
    )];
    let files = MemoryFiles::new(files.iter().copied());
    let error = build(&files, &format!("{ROOT}/app"), &Options::default()).expect_err("it fails");
    assert_eq!(error.warnings().len(), 1, "{error}");
    assert!(error.warnings()[0].contains("'commonLabels' is deprecated"));
}
