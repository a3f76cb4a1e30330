//! Errors show nothing of what Secrets hold. kustomize shows all of it, so there is nothing of its to compare with but
//! the words around.

use tidegate_kustomize::{Options, OverridePatch, Overrides, Selector, build};

use crate::memory_files::{MemoryFiles, ROOT};

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  pw: hunter2\n";

fn error_with(files: &[(&str, &str)], overrides: Overrides) -> String {
    let files = MemoryFiles::new(files.iter().copied().chain([("s.yaml", SECRET)]));
    let options = Options {
        overrides,
        ..Options::default()
    };
    build(&files, ROOT, &options)
        .expect_err("the build fails")
        .to_string()
}

fn error(kustomization: &str) -> String {
    error_with(
        &[("kustomization.yaml", kustomization)],
        Overrides::default(),
    )
}

#[track_caller]
fn check(error: &str, parts: &[&str]) {
    assert!(!error.contains("hunter2"), "{error}");
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn literals_of_secrets() {
    for (literals, shown) in [
        (
            "[a=hunter2, hunter2-second]",
            "literal sources [a=*** ***]: invalid literal source ***, expected key=value",
        ),
        (
            "['=hunter2']",
            "literal sources [=***]: invalid literal source =***, expected key=value",
        ),
    ] {
        let of_field = format!("secretGenerator: [{{name: g, literals: {literals}}}]");
        check(&error(&of_field), &[shown, "secretGenerator[0]"]);
        let of_plugin = format!(
            "generators: ['{{apiVersion: builtin, kind: SecretGenerator, metadata: {{name: g}}, literals: {}}}']",
            literals.replace('\'', "''")
        );
        check(&error(&of_plugin), &[shown]);
    }
}

#[test]
fn lines_of_environment_files() {
    let of = |content: &str| {
        let files = [
            (
                "kustomization.yaml",
                "secretGenerator: [{name: g, envs: [e.env]}]",
            ),
            ("e.env", content),
        ];
        error_with(&files, Overrides::default())
    };
    check(
        &of("PW=x\nhunter2\nhunter2\n"),
        &["illegally repeats the key `***`"],
    );
    check(&of("PW=x\nPW=y\n"), &["illegally repeats the key `PW`"]);
}

#[test]
fn malformed_patches() {
    let malformed = "kind: Secret\nmetadata: {name: s}\nstringData: {pw: hunter2";
    let entry = |target: &str, patch: &str| {
        error(&format!(
            "resources: [s.yaml]\npatches:\n- {target}patch: |-\n    {}\n",
            patch.replace('\n', "\n    ")
        ))
    };
    let words = [
        "trouble configuring builtin PatchTransformer with config: `\npatch: '***'\n",
        "unable to parse SM or JSON patch from [patch: \"***\"]",
        "patches[0]",
    ];
    check(&entry("", malformed), &words);
    check(&entry("", "stringData: {pw: hunter2"), &words);
    check(&entry("", "{\"kind\": \"Secret\", \"x\": hunter2"), &words);
    check(&entry("", "data: {pw: hunter2"), &words);
    for target in ["Secret", "Secr.*", "ConfigMap|Secret"] {
        let target = format!("target: {{kind: {target}}}\n  ");
        let json = "- op: add\n  path: /data/pw\n  value: [hunter2";
        check(&entry(&target, json), &words);
    }
    // Of other kinds the text stays.
    let other = entry("", "kind: ConfigMap\ndata: {pw: open");
    assert_eq!(other.matches("pw: open").count(), 2, "{other}");
}

#[test]
fn patches_that_are_well_formed_and_wrong() {
    let two = "resources: [s.yaml]\npatches:\n- target: {name: s}\n  patch: |-\n    apiVersion: v1\n    kind: Secret\n    \
               metadata: {name: s}\n    stringData: {pw: hunter2}\n    ---\n    apiVersion: v1\n    kind: Secret\n    \
               metadata: {name: t}\n    stringData: {pw: hunter2}\n";
    check(&error(two), &["Multiple Strategic-Merge Patches", "***"]);
    let no_target = "resources: [s.yaml]\npatches:\n- patch: '[{op: add, path: /stringData/pw, value: hunter2}]'\n";
    check(&error(no_target), &["***"]);
    let untargeted = "resources: [s.yaml]\npatches:\n- patch: |-\n    - op: add\n      path: /stringData/pw\n      value: hunter2\n";
    check(
        &error(untargeted),
        &["must specify a target for JSON patch [patch: \"***\"]"],
    );
    let both =
        "resources: [s.yaml]\npatches:\n- path: s.yaml\n  patch: 'stringData: {pw: hunter2}'\n";
    check(&error(both), &["patch and path can't be set", "***"]);
}

#[test]
fn patches_of_a_flux_kustomization() {
    let overrides = |patch: &str, kind: &str| {
        let mut selector = Selector::default();
        selector.id.gvk.kind = kind.to_owned().into();
        Overrides {
            patches: vec![OverridePatch {
                patch: patch.to_owned(),
                target: (!kind.is_empty()).then_some(selector),
            }],
            ..Overrides::default()
        }
    };
    let files = [("kustomization.yaml", "resources: [s.yaml]")];
    for (patch, kind) in [
        ("kind: Secret\nstringData: {pw: hunter2", ""),
        ("- op: add\n  value: [hunter2", "Secret"),
    ] {
        let error = error_with(&files, overrides(patch, kind));
        check(&error, &["unable to parse SM or JSON patch", "***"]);
    }
}

#[test]
fn patches_in_the_older_fields() {
    let merge = "resources: [s.yaml]\npatchesStrategicMerge:\n- |-\n  kind: Secret\n  stringData: {pw: hunter2\n";
    check(&error(merge), &["patchesStrategicMerge", "***"]);
    for patch in ["[{op: add, value: hunter2}]", "[[hunter2]]", "hunter2: x"] {
        let json = format!(
            "resources: [s.yaml]\npatchesJson6902: [{{target: {{version: v1, kind: Secret, name: s}}, patch: '{patch}'}}]"
        );
        check(&error(&json), &["patchesJson6902[0]", "***"]);
    }
}

#[test]
fn patches_of_configured_transformers() {
    let patch = "stringData: {pw: hunter2";
    let transformer = |fields: &str| {
        let files = [
            (
                "kustomization.yaml",
                "resources: [s.yaml]\ntransformers: [t.yaml]",
            ),
            (
                "t.yaml",
                &format!("apiVersion: builtin\nkind: {fields}\nmetadata: {{name: t}}\n"),
            ),
        ];
        error_with(&files, Overrides::default())
    };
    check(
        &transformer(&format!("PatchTransformer\npatch: '{patch}'")),
        &["***"],
    );
    check(
        &transformer(&format!("PatchTransformer\npatch: '{patch}'\npath: s.yaml")),
        &["patch and path can't be set", "***"],
    );
    check(
        &transformer(
            "PatchJson6902Transformer\ntarget: {kind: Secret, name: s}\njsonOp: '[[hunter2]]'",
        ),
        &["***"],
    );
    // One that is malformed as a whole is taken for the name of a file.
    let inline = "generators:\n- |-\n  apiVersion: builtin\n  kind: SecretGenerator\n  literals: [pw=hunter2\n";
    check(&error(inline), &["accumulating resources", "***"]);
}

#[test]
fn what_yaml_quotes() {
    let file = |content: &str| {
        let files = [
            ("kustomization.yaml", "resources: [a.yaml]"),
            ("a.yaml", content),
        ];
        error_with(&files, Overrides::default())
    };
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
    check(
        &file(&format!("{head}stringData: {{pw: *hunter2}}\n")),
        &["a.yaml", "unknown anchor '***' referenced"],
    );
    check(
        &file(&format!("{head}---hunter2\nstringData: {{}}\n---\n")),
        &["a.yaml"],
    );
    check(
        &file("apiVersion: v1\nkind: Secret\nmetadata: {annotations: {last-applied: hunter2}}\n"),
        &["a.yaml", "missing metadata.name", "map[***]"],
    );
    let number = format!("{head}stringData: {{pw: !!int hunter2}}\n");
    check(&file(&number), &["a.yaml", "cannot decode !!str `***`"]);
    for patch in [
        "[{op: add, path: /data, value: {}}]",
        "[{\"op\": \"add\", \"path\": \"/type\", \"value\": \"x\"}]",
        "- {op: add, path: /type, value: x}",
    ] {
        let kustomization = format!(
            "resources: [a.yaml]\npatches: [{{target: {{kind: Secret}}, patch: '{patch}'}}]"
        );
        let files = [
            ("kustomization.yaml", kustomization.as_str()),
            ("a.yaml", number.as_str()),
        ];
        check(&error_with(&files, Overrides::default()), &["***"]);
    }
    check(
        &error("secretGenerator: [{name: g, literals: [*hunter2]}]"),
        &["unknown anchor '***' referenced"],
    );
}
