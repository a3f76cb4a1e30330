use serde::de::DeserializeOwned;
use tidegate_api::{GitRepositorySpec, KustomizationSpec};

/// `names.txt` says how it is written.
#[test]
fn what_can_be_no_name_is_told_with_its_field() {
    let mut lines = include_str!("names.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .peekable();
    while let Some(case) = lines.next() {
        let wanted = lines.next_if(|line| line.starts_with("    "));
        let (kind, spec) = case.split_once(' ').expect("a kind and a spec");
        let checked = match kind {
            "Kustomization" => read::<KustomizationSpec>(spec).check_names(),
            "GitRepository" => read::<GitRepositorySpec>(spec).check_names(),
            other => panic!("{other}"),
        };
        let error = checked.err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), wanted.map(str::trim), "{case}");
    }
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("a spec")
}
