use crate::files::{Files, all, paths};
use std::sync::Arc;
use tidegate_artifact::{Include, include};
use tidegate_values::Tree;

fn tree(files: &[(&str, &str)]) -> Arc<dyn Tree> {
    Arc::new(Files::new(files))
}

fn join(base: &Arc<dyn Tree>, from: &str, to: &str) -> Result<Vec<String>, String> {
    let other = tree(&[
        ("deploy/x.yaml", "x"),
        ("deploy/sub/y.yaml", "y"),
        ("other.yaml", "o"),
    ]);
    let includes = [Include {
        tree: other,
        from: from.into(),
        to: to.into(),
    }];
    include(base.clone(), &includes)
        .map(|joined| paths(&*joined))
        .map_err(|error| error.to_string())
}

/// Paths and refusals as recorded of Flux's renames.
#[test]
fn includes_land_where_they_should() {
    let base = tree(&[("a.yaml", "a"), ("taken/t.yaml", "t")]);
    let with = |more: &[&str]| {
        let mut wanted: Vec<String> = ["a.yaml", "taken/t.yaml"]
            .iter()
            .chain(more)
            .map(ToString::to_string)
            .collect();
        wanted.sort();
        Ok(wanted)
    };
    assert_eq!(
        join(&base, "", "base"),
        with(&[
            "base/deploy/sub/y.yaml",
            "base/deploy/x.yaml",
            "base/other.yaml"
        ])
    );
    assert_eq!(
        join(&base, "deploy", "taken/in"),
        with(&["taken/in/sub/y.yaml", "taken/in/x.yaml"])
    );
    assert_eq!(
        join(&base, "../../deploy/sub", "d"),
        with(&["d/y.yaml"]),
        "`..` stops at the root"
    );
    assert_eq!(join(&base, "deploy/sub", "../../up"), with(&["up/y.yaml"]));
    assert_eq!(join(&base, "deploy/x.yaml", "x.yaml"), with(&["x.yaml"]));
    assert_eq!(
        join(&base, "deploy/x.yaml", "a.yaml"),
        with(&[]),
        "a file takes the place of a file"
    );
    for (from, to) in [
        ("nowhere", "b"),
        ("", "taken"),
        ("deploy/x.yaml", "taken"),
        ("deploy", "a.yaml"),
        ("", "."),
    ] {
        assert!(join(&base, from, to).is_err(), "{from} to {to}");
    }
    assert!(join(&base, "deploy", "a.yaml/deeper").is_err());
}

#[test]
fn a_folder_may_take_the_place_of_an_empty_one() {
    let base: Arc<dyn Tree> = Arc::new(Files::new(&[("a", "1")]).with_directory("empty"));
    assert_eq!(
        join(&base, "deploy/sub", "empty"),
        Ok(vec!["a".into(), "empty/y.yaml".into()])
    );
    let joined = include(base.clone(), &[]).unwrap();
    assert_eq!(all(&*joined), all(&*base));
}
