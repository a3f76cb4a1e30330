//! `cases/*.txt`: a line on what it is about, then sections, each after a line `-- name --`.
//!
//! | section | holds |
//! |---|---|
//! | a path | a file |
//! | `target` | the folder to build, if it is not the top |
//! | `flags` | of `kustomize build` |
//! | `expected`, `expected error`, `expected warnings` | what kustomize printed |
//! | `expected place` | what an error here says beside that; this is our own |
//!
//! With `TIDEGATE_KUSTOMIZE` set to a kustomize v5.8.1, all that kustomize printed is recorded anew
//! (`cargo xtask oracle`).

use std::fmt::Write as _;

use tidegate_kustomize::{LoadRestrictor, Options, Reorder, build};

use crate::memory_files::{MemoryFiles, ROOT};
use crate::oracle::Oracle;

/// What a build printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) result: Result<String, String>,
    pub(crate) warnings: String,
}

#[derive(Debug, Default)]
pub(crate) struct Case {
    /// The lines before the first section.
    head: String,
    /// Files and what else is not expected, in their order.
    inputs: Vec<(String, String)>,
    expected: Vec<(String, String)>,
}

impl Case {
    pub(crate) fn parse(text: &str) -> Self {
        let mut case = Self::default();
        let mut sections: Vec<(String, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let header = line
                .trim_end()
                .strip_prefix("-- ")
                .and_then(|rest| rest.strip_suffix(" --"));
            match (header, sections.last_mut()) {
                (Some(name), _) => sections.push((name.to_owned(), String::new())),
                (None, Some((_, content))) => content.push_str(line),
                (None, None) => case.head.push_str(line),
            }
        }
        (case.expected, case.inputs) = sections
            .into_iter()
            .partition(|(name, _)| name.starts_with("expected"));
        case
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.inputs.iter();
        files
            .filter(|(name, _)| name != "target" && name != "flags")
            .map(|(name, content)| (name.as_str(), content.as_str()))
    }

    fn input(&self, name: &str) -> &str {
        let found = self.inputs.iter().find(|(section, _)| section == name);
        found.map_or("", |(_, content)| content.trim())
    }

    pub(crate) fn flags(&self) -> impl Iterator<Item = &str> {
        self.input("flags").split_whitespace()
    }

    /// The folder to build, below `root`.
    pub(crate) fn target(&self, root: &str) -> String {
        format!("{root}/{}", self.input("target"))
            .trim_end_matches('/')
            .to_owned()
    }

    fn options(&self) -> Options {
        let mut options = Options::default();
        let mut flags = self.flags();
        while let Some(flag) = flags.next() {
            match (flag, flag.contains("-label")) {
                ("--load-restrictor", _) => {
                    assert_eq!(flags.next(), Some("LoadRestrictionsNone"));
                    options.load_restrictor = LoadRestrictor::None;
                }
                ("--reorder", _) => {
                    assert_eq!(flags.next(), Some("none"));
                    options.reorder = Reorder::None;
                }
                ("--enable-managedby-label", _) => options.managed_by_label = true,
                _ => panic!("unknown flag {flag}"),
            }
        }
        options
    }

    fn expected(&self, name: &str) -> Option<&str> {
        let found = self.expected.iter().find(|(section, _)| section == name);
        found.map(|(_, content)| content.as_str())
    }

    /// What kustomize printed.
    fn printed(&self) -> Printed {
        Printed {
            result: match self.expected("expected error") {
                Some(error) => Err(error.trim_end().to_owned()),
                None => Ok(self.expected("expected").unwrap_or_default().to_owned()),
            },
            warnings: self
                .expected("expected warnings")
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// What we print, and the place that an error names.
    fn build(&self) -> (Printed, Option<String>) {
        let files = MemoryFiles::new(self.files());
        match build(&files, &self.target(ROOT), &self.options()) {
            Ok(build) => (
                Printed {
                    result: Ok(build.to_yaml()),
                    warnings: lines(&build.warnings),
                },
                None,
            ),
            Err(error) => {
                let message = error.message().trim_end().to_owned();
                let place = error.to_string();
                let place = place.strip_prefix(&message).map(str::trim);
                (
                    Printed {
                        warnings: lines(error.warnings()),
                        result: Err(message.clone()),
                    },
                    place.filter(|place| !place.is_empty()).map(str::to_owned),
                )
            }
        }
    }

    /// The text of the case with other expectations.
    fn with_printed(&self, printed: &Printed) -> String {
        let mut text = self.head.clone();
        let mut add = |name: &str, content: &str| {
            let _ = write!(text, "-- {name} --\n{content}");
            if !content.is_empty() && !content.ends_with('\n') {
                text.push('\n');
            }
        };
        for (name, content) in &self.inputs {
            add(name, content);
        }
        if !printed.warnings.is_empty() {
            add("expected warnings", &printed.warnings);
        }
        match &printed.result {
            Ok(output) => add("expected", output),
            Err(error) => add("expected error", error),
        }
        if let Some(place) = self.expected("expected place") {
            add("expected place", place);
        }
        text
    }
}

fn lines(texts: &[String]) -> String {
    texts
        .iter()
        .flat_map(|text| [text.as_str(), "\n"])
        .collect()
}

fn show(printed: &Printed, place: Option<&str>) -> String {
    let Printed { result, warnings } = printed;
    let place = place.unwrap_or_default();
    match result {
        Ok(output) => format!("{warnings}{output}"),
        Err(error) => format!("{warnings}error: {error}\nplace: {place}\n"),
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test reads its cases from files, and writes them when they are recorded"
)]
fn cases_give_what_kustomize_gives() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let oracle = Oracle::from_environment();
    let mut wrong = String::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut case = Case::parse(&std::fs::read_to_string(&path).unwrap());
        if let Some(oracle) = &oracle {
            let text = case.with_printed(&oracle.build(&case));
            std::fs::write(&path, &text).unwrap();
            case = Case::parse(&text);
        }
        count += 1;
        let (expected, (got, place)) = (case.printed(), case.build());
        let expected_place = case.expected("expected place").map(str::trim);
        if got != expected || place.as_deref() != expected_place {
            let _ = write!(
                wrong,
                "== {}\n-- expected\n{}-- got\n{}",
                path.display(),
                show(&expected, expected_place),
                show(&got, place.as_deref())
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 50, "only {count} cases in {folder}");
}
