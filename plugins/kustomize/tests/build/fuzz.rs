//! Builds of damaged cases: they may fail, but never panic, hang or run away, and what they give is stable.
//!
//! Every run makes the same ones, a few seconds' worth. `TIDEGATE_FUZZ_SECONDS` goes on for longer, and
//! `TIDEGATE_FUZZ_SEED` begins elsewhere. Where `TIDEGATE_KUSTOMIZE` names the real one, results must be the same.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a build that hangs is found by another thread with a clock"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tidegate_kustomize::{Options, Reorder, build};

use crate::damage::{Input, Random};
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
    let target = format!("/{}", input.target);
    let wanted = oracle
        .build_files(files, &["--reorder", "none"], target.trim_end_matches('/'))
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
    let target = format!("{ROOT}/{}", input.target);
    build(&files, target.trim_end_matches('/'), options)
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
        .map(|path| Input::of(&std::fs::read_to_string(path).unwrap()))
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
    let mut random = Random::new(seed);
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
