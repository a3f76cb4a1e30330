//! Builds of damaged cases: they may fail, but never panic, hang or run away, and what they give is stable.
//!
//! Every run makes the same ones, a few seconds' worth. `TIDEGATE_FUZZ_SECONDS` goes on for longer, and
//! `TIDEGATE_FUZZ_SEED` begins elsewhere. Where `TIDEGATE_KUSTOMIZE` names the real one, results must be the same.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a build that hangs is found by another thread with a clock"
)]

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tidegate_kustomize::{Options, Reorder, build};

use crate::cases::Case;
use crate::memory_files::{MemoryFiles, ROOT};
use crate::oracle::Oracle;

/// Builds in a run without a wish.
const COUNT: usize = 1500;
/// More than any build of a few small files takes, unoptimised and on a busy machine.
const TOO_LONG: Duration = Duration::from_mins(1);
/// What no build of a few small files may print more of.
const TOO_MUCH: usize = 64 << 20;
/// Unoptimised frames are many times as large as those in the sandbox.
const STACK: usize = 64 << 20;

/// What lines are replaced by, and texts changed to.
const WORDS: &[&str] = &[
    "null",
    "~",
    "",
    "[]",
    "{}",
    "''",
    "\"\"",
    "0",
    "-1",
    "1e999",
    ".inf",
    ".nan",
    "9223372036854775808",
    "true",
    "yes",
    "*a",
    "&a",
    "&a [*a]",
    "<<: *a",
    "!!binary ZZ",
    "!!int x",
    "? [a]",
    "- - - x",
    "|",
    ">-",
    "---",
    "...",
    "\t",
    "\u{7f}",
    "\u{2028}",
    "\u{feff}",
    "\u{1F600}",
    "kind: List",
    "kind: ConfigMapList",
    "kind: Component",
    "items:",
    "metadata:",
    "name: a",
    "namespace: ''",
    "$patch: delete",
    "$patch: replace",
    "$patch: none",
    "resources: [.]",
    "resources: [..]",
    "resources: [a.yaml, a.yaml]",
    "components: [../app]",
    "bases: [base]",
    "namePrefix: '$(A)'",
    "nameSuffix: ''",
    "namespace: ns",
    "commonLabels: {a: b}",
    "labels: [{pairs: {a: b}, includeSelectors: true}]",
    "configMapGenerator: [{name: a, behavior: merge, literals: [a=b]}]",
    "secretGenerator: [{name: a, files: [a.yaml]}]",
    "vars: [{name: A, objref: {kind: ConfigMap, name: a, apiVersion: v1}}]",
    "images: [{name: '.*', newTag: x}]",
    "replacements: [{source: {kind: ConfigMap}, targets: [{select: {kind: .*}, fieldPaths: ['*.*', data.[k=v].x]}]}]",
    "patches: [{patch: '[{\"op\": \"copy\", \"from\": \"\", \"path\": \"/data/k\"}]', target: {kind: ConfigMap}}]",
    "openapi: {path: a.yaml}",
    "crds: [a.yaml]",
    "configurations: [a.yaml]",
    "transformers: [.]",
    "generators: [a.yaml]",
    "validators: [a.yaml]",
    "a.[b].c",
    "data.0.1",
    "metadata/labels[]/x",
    "[name=(]",
    "(a",
    "a{1000}{1000}",
    "%s%n",
    "../..",
    "/",
    "/build",
    "https://example.com/x?ref=y",
    "spec:\n  template:\n    spec:\n      containers: [{name: a}, {name: a}, {}]",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or(0) % limit.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The files of a build, and the folder to build.
#[derive(Clone)]
struct Input {
    files: Vec<(String, String)>,
    target: String,
}

impl Input {
    fn of(case: &Case) -> Self {
        Self {
            files: case
                .files()
                .map(|(path, content)| (path.to_owned(), content.to_owned()))
                .collect(),
            target: case.target(ROOT),
        }
    }

    fn show(&self) -> String {
        let mut text = format!("-- target --\n{}\n", self.target);
        for (path, content) in &self.files {
            let _ = writeln!(text, "-- {path} --\n{content}");
        }
        text
    }

    fn damage(&mut self, others: &[Input], random: &mut Random) {
        for _ in 0..=random.below(4) {
            let at = random.below(self.files.len());
            let other = random.pick(others);
            let other = random.pick(&other.files).1.clone();
            let (_, content) = &mut self.files[at];
            *content = damage(content, &other, random);
        }
        if random.below(20) == 0 {
            let (from, to) = (
                random.below(self.files.len()),
                random.below(self.files.len()),
            );
            self.files[to].1 = self.files[from].1.clone();
        }
    }
}

fn damage(text: &str, other: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return random.pick(WORDS).to_string();
    }
    let at = random.below(lines.len());
    let indent: String = lines[at].chars().take_while(|c| *c == ' ').collect();
    match random.below(11) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(at, lines[random.below(lines.len())].clone()),
        2 => {
            let with = random.below(lines.len());
            lines.swap(at, with);
        }
        3 => lines.insert(at, format!("{indent}{}", random.pick(WORDS))),
        4 => {
            // Another value of the field.
            let word = random.pick(WORDS);
            lines[at] = match lines[at].split_once(": ") {
                Some((key, _)) => format!("{key}: {word}"),
                None => format!("{} {word}", lines[at]),
            };
        }
        5 => lines[at] = format!("  {}", lines[at]),
        6 => {
            lines[at].drain(..indent.len());
        }
        7 => {
            let taken: Vec<&str> = other.lines().collect();
            let from = random.below(taken.len());
            let count = random.below(6);
            for line in taken.iter().skip(from).take(count).rev() {
                lines.insert(at, format!("{indent}{}", line.trim_start()));
            }
        }
        8 => {
            // One character.
            let characters: Vec<char> = lines[at].chars().collect();
            let place = random.below(characters.len());
            let new = *random.pick(&[
                '{', '[', ']', ':', '-', '"', '\'', '#', '&', '*', '|', ',', ' ', '\u{e9}',
            ]);
            lines[at] = characters
                .iter()
                .enumerate()
                .map(|(i, c)| if i == place { new } else { *c })
                .collect();
        }
        9 => {
            // Deep.
            let depth = 1 << random.below(12);
            let open = random.pick(&["[", "{a: ", "- "]).repeat(depth);
            lines[at] = format!("{indent}a: {open}");
        }
        _ => {
            // A word of another file.
            let from: Vec<&str> = other.split_whitespace().collect();
            let to: Vec<&str> = lines[at].split_whitespace().collect();
            if let (false, false) = (from.is_empty(), to.is_empty()) {
                let (old, new) = (
                    to[random.below(to.len())].to_owned(),
                    from[random.below(from.len())],
                );
                lines[at] = lines[at].replacen(&old, new, 1);
            }
        }
    }
    lines.join("\n") + "\n"
}

/// How the real kustomize differs, if it does. It is run alone: what it does with some inputs is never to end.
fn find_difference(input: &Input, oracle: &Oracle) -> Option<String> {
    let in_order = Options {
        reorder: Reorder::None,
        ..Options::default()
    };
    let files = input
        .files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_str()));
    let target = input.target.strip_prefix(ROOT)?;
    let wanted = oracle
        .build_files(files, &["--reorder", "none"], target)
        .result;
    match (wanted, print(input, &in_order)) {
        (Ok(wanted), Ok(got)) if wanted == got => None,
        (Err(_), Err(_)) => None,
        (wanted, got) => Some(format!(
            "kustomize gives\n{wanted:#?}\nand we give\n{got:#?}"
        )),
    }
}

fn print(input: &Input, options: &Options) -> Result<String, String> {
    let files = MemoryFiles::new(
        input
            .files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_str())),
    );
    build(&files, &input.target, options)
        .map(|build| build.to_yaml())
        .map_err(|error| error.to_string())
}

/// What is wrong with the build of an input, if anything is.
fn find_problem(input: &Input) -> Option<String> {
    let in_order = Options {
        reorder: Reorder::None,
        ..Options::default()
    };
    let Ok(printed) = catch_unwind(AssertUnwindSafe(|| print(input, &in_order))) else {
        return Some("it panics".to_owned());
    };
    if print(input, &in_order) != printed {
        return Some("it gives another result the second time".to_owned());
    }
    let printed = match printed {
        Ok(printed) => printed,
        Err(error) if error.trim().is_empty() => return Some("it fails without a word".to_owned()),
        Err(error) if error.len() > TOO_MUCH => {
            return Some("it fails with too many words".to_owned());
        }
        Err(_) => return None,
    };
    if printed.len() > TOO_MUCH {
        return Some(format!("it prints {} bytes", printed.len()));
    }
    if let Err(error) = tidegate_yaml::parse_documents(printed.as_bytes()) {
        return Some(format!("what it prints is no YAML: {error}\n{printed}"));
    }
    None
}

#[test]
fn damaged_cases_build_or_fail() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let seeds: Vec<Input> = paths
        .iter()
        .map(|path| Input::of(&Case::parse(&std::fs::read_to_string(path).unwrap())))
        .collect();
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text: String| text.parse::<u64>().unwrap())
    };
    let seconds = number("TIDEGATE_FUZZ_SECONDS").map(Duration::from_secs);
    let seed = number("TIDEGATE_FUZZ_SEED").unwrap_or(1);

    let (to_builder, inputs) = mpsc::channel::<Input>();
    let (to_judge, problems) = mpsc::channel();
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            for input in inputs {
                if to_judge.send(find_problem(&input)).is_err() {
                    break;
                }
            }
        })
        .unwrap();
    let oracle = Oracle::from_environment();
    let mut differences = Vec::new();
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let start = Instant::now();
    for count in 0.. {
        if seconds.map_or(count >= COUNT, |limit| start.elapsed() > limit) {
            break;
        }
        let mut input = random.pick(&seeds).clone();
        input.damage(&seeds, &mut random);
        to_builder.send(input.clone()).unwrap();
        let problem = problems
            .recv_timeout(TOO_LONG)
            .unwrap_or_else(|_| Some("it does not end, or ended the thread".to_owned()));
        if let Some(problem) = problem {
            panic!("build {count} of seed {seed}: {problem}\n{}", input.show());
        }
        let difference = oracle
            .as_ref()
            .and_then(|oracle| find_difference(&input, oracle));
        differences.extend(difference.map(|difference| {
            format!(
                "== build {count} of seed {seed}: {difference}\n{}",
                input.show()
            )
        }));
    }
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        differences.join("\n")
    );
}
