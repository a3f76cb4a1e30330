//! Plays every folder of `cases/`: one test each.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tidegate_tests::{Scenario, Worlds, cases, play};

/// Cases wait much more than they work.
const PARALLEL: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(PARALLEL));
    let worlds = Arc::new(Worlds::default());
    let folders = match cases() {
        Ok(folders) => folders,
        Err(error) => panic!("{error:#}"),
    };
    let trials = folders.into_iter().map(|folder| {
        let worlds = Arc::clone(&worlds);
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Trial::test(name, move || {
            let scenario =
                Scenario::read(&folder).map_err(|error| Failed::from(format!("{error:#}")))?;
            play(&scenario, &folder, &worlds).map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // Engines and planes end before the process does.
    worlds.end();
    conclusion.exit_code()
}
