//! Cycles, depth and explosions end in an error that names files.

use std::fmt::Write as _;

use tidegate_kustomize::{Options, build};

use crate::memory_files::{MemoryFiles, ROOT};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

fn error(files: &[(String, String)]) -> String {
    let files = files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_str()));
    let folder = format!("{ROOT}/0");
    // Errors of folders in folders have all of them in it: more than a person reads.
    build(&MemoryFiles::new(files), &folder, &Options::default())
        .expect_err("the build fails")
        .to_string()
}

fn kustomization(folder: usize, content: &str) -> (String, String) {
    (
        format!("{folder}/kustomization.yaml"),
        format!("{content}\n"),
    )
}

fn check(files: &[(String, String)], parts: &[&str]) {
    let error = error(files);
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn bases_that_nest_too_deep_are_named() {
    let files: Vec<_> = (0..100)
        .map(|level| kustomization(level, &format!("resources: [../{}]", level + 1)))
        .collect();
    check(&files, &["/build/64", "nest"]);
}

#[test]
fn components_in_a_circle_are_named() {
    let component = "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n";
    let files = [
        kustomization(0, "components: [../1]"),
        kustomization(1, &format!("{component}components: [../2]")),
        kustomization(2, &format!("{component}components: [../1]")),
    ];
    check(&files, &["cycle detected", "/build/1", "/build/2"]);
}

#[test]
fn errors_of_components_in_components_stay_short() {
    let component = "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n";
    let mut files = vec![kustomization(0, "components: [../1]")];
    for level in 1..50 {
        let content = format!("{component}components: [../{}]", level + 1);
        files.push(kustomization(level, &content));
    }
    let error = error(&files);
    assert!(
        error.contains("/build/50") && error.contains("/build/1'"),
        "{error}"
    );
    assert!(error.len() < 100_000, "{} bytes", error.len());
}

#[test]
fn transformers_in_a_circle_are_named() {
    let files = [
        kustomization(0, "transformers: [../1]"),
        kustomization(1, "transformers: [../0]"),
    ];
    check(&files, &["cycle detected", "/build/0", "/build/1"]);
}

#[test]
fn a_base_that_is_built_too_often_is_named() {
    // Each level has the one below twice.
    let mut files: Vec<_> = (0..30)
        .map(|level| {
            let below = level + 1;
            let content = format!("namePrefix: a-\nresources: [../{below}]\ncomponents: []");
            let other = format!("namePrefix: b-\nresources: [../{below}]");
            let content =
                content.replace(&format!("[../{below}]"), &format!("[../{below}, other]"));
            [
                kustomization(level, &content),
                (
                    format!("{level}/other/kustomization.yaml"),
                    other.replace("../", "../../"),
                ),
            ]
        })
        .collect::<Vec<_>>()
        .concat();
    files.push(kustomization(30, "resources: [a.yaml]"));
    files.push(("30/a.yaml".to_owned(), MAP.to_owned()));
    check(&files, &["more than 10000 kustomizations", "/build/"]);
}

#[test]
fn definitions_that_refer_to_each_other_often_are_refused() {
    // Two fields on every level, each of the type below.
    let mut types = String::new();
    for level in 0..60 {
        let below = format!("{{\"$ref\": \"t{}\"}}", level + 1);
        let _ = writeln!(
            types,
            "t{level}: {{Schema: {{properties: {{kind: {{}}, apiVersion: {{}}, metadata: {{}}, a: {below}, b: {below}}}}}}}"
        );
    }
    let files = [
        kustomization(0, "crds: [t.yaml]\nresources: [a.yaml]"),
        ("0/a.yaml".to_owned(), MAP.to_owned()),
        ("0/t.yaml".to_owned(), types),
    ];
    check(&files, &["t.yaml", "more than 100000 fields"]);
}

#[test]
fn definitions_in_a_circle_are_named() {
    let of = |below: &str| {
        format!(
            "Schema: {{properties: {{kind: {{}}, apiVersion: {{}}, metadata: {{}}, a: {{$ref: {below}}}}}}}"
        )
    };
    let files = [
        kustomization(0, "crds: [t.yaml]\nresources: [a.yaml]"),
        ("0/a.yaml".to_owned(), MAP.to_owned()),
        (
            "0/t.yaml".to_owned(),
            format!("t: {{{}}}\nu: {{{}}}\n", of("u"), of("t")),
        ),
    ];
    check(&files, &["t.yaml", "circle: t -> u -> t"]);
}

#[test]
fn objects_that_nest_too_deep_are_named() {
    let deep = format!("{MAP}data: {}1{}\n", "[".repeat(5000), "]".repeat(5000));
    let files = [
        kustomization(0, "resources: [deep.yaml]"),
        ("0/deep.yaml".to_owned(), deep),
    ];
    check(&files, &["deep.yaml", "exceeded max depth"]);
}

#[test]
fn aliases_that_explode_are_named() {
    let mut text = format!("{MAP}data:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "  a{level}: &a{level} [{items}]");
    }
    let files = [
        kustomization(0, "resources: [laughs.yaml]"),
        ("0/laughs.yaml".to_owned(), text),
    ];
    check(&files, &["laughs.yaml", "excessive aliasing"]);
}
