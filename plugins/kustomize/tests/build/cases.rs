//! `cases/*.txt`: a line on what it is about, files after `-- path --`, and what kustomize v5.8.1 printed.

use std::fmt::Write as _;

use tidegate_kustomize::{Options, build};

use crate::memory_files::{MemoryFiles, ROOT};

struct Case {
    files: Vec<(String, String)>,
    target: String,
    expected: Result<String, String>,
}

fn parse(text: &str) -> Case {
    let mut case = Case {
        files: Vec::new(),
        target: ROOT.to_owned(),
        expected: Ok(String::new()),
    };
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let header = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"));
        match (header, sections.last_mut()) {
            (Some(name), _) => sections.push((name, String::new())),
            (None, Some((_, content))) => content.push_str(line),
            (None, None) => {}
        }
    }
    for (name, content) in sections {
        match name {
            "target" => case.target = format!("{ROOT}/{}", content.trim()),
            "expected" => case.expected = Ok(content),
            "expected error" => case.expected = Err(content.trim_end().to_owned()),
            path => case.files.push((path.to_owned(), content)),
        }
    }
    case
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test reads its cases from files"
)]
fn cases_give_what_kustomize_gives() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let mut wrong = String::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case = parse(&std::fs::read_to_string(&path).unwrap());
        let files = MemoryFiles::new(
            case.files
                .iter()
                .map(|(path, content)| (path.as_str(), content.as_str())),
        );
        let result = build(&files, &case.target, &Options::default())
            .map(|build| build.to_yaml())
            .map_err(|error| error.message().trim_end().to_owned());
        count += 1;
        if result != case.expected {
            let show = |result: &Result<String, String>| match result {
                Ok(text) => text.clone(),
                Err(error) => format!("error: {error}\n"),
            };
            let (expected, got) = (show(&case.expected), show(&result));
            let _ = write!(
                wrong,
                "== {}\n-- expected\n{expected}-- got\n{got}",
                path.display()
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 0, "no cases in {folder}");
}
