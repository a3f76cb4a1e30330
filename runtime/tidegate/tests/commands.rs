//! Plays every folder of `cases/` against the built program: one test each. `cases/README.md` says what is in them.

#[path = "commands/case.rs"]
mod case;
#[path = "commands/remote.rs"]
mod remote;
#[path = "commands/start.rs"]
mod start;

use case::Case;
use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let cases = match Case::all(&folder) {
        Ok(cases) if cases.is_empty() => panic!("{}: there are no cases", folder.display()),
        Ok(cases) => cases,
        Err(error) => panic!("{error:#}"),
    };
    let mut trials: Vec<Trial> = cases
        .into_iter()
        .map(|case| {
            let name = case.name();
            Trial::test(name, move || {
                case.play()
                    .map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
        .collect();
    trials.extend(remote::trials());
    trials.extend(start::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
