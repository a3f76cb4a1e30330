//! Runs over the outputs of kustomize in the shared corpus, if `TIDEGATE_SHARED` names its folder.

#![expect(clippy::disallowed_methods, reason = "the corpus is a folder of files")]

use std::path::{Path, PathBuf};

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.file_name().is_some_and(|name| name == "expected.yaml") {
            found.push(path);
        }
    }
}

#[test]
fn kustomize_output_comes_back_unchanged() {
    let Ok(shared) = std::env::var("TIDEGATE_SHARED") else {
        return;
    };
    let mut paths = Vec::new();
    collect(
        &Path::new(&shared).join("conformance/kustomize"),
        &mut paths,
    );
    assert!(paths.len() > 1000, "only {} outputs found", paths.len());
    for path in paths {
        let text = std::fs::read(&path).unwrap();
        let documents = tidegate_yaml::parse_documents(&text).unwrap();
        let parts: Vec<_> = documents
            .iter()
            .map(|node| tidegate_yaml::node_to_canonical_yaml(node).unwrap())
            .collect();
        assert_eq!(
            parts.join("---\n"),
            String::from_utf8(text).unwrap(),
            "{}",
            path.display()
        );
    }
}
