//! Tidegate: one program for the controllers and the command line.

mod build;
mod cli;
mod clone;
mod engines;
mod file_tree;
mod flags;
mod kustomize;
mod logging;
mod metrics;
mod run;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    match cli::dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            cli::print_error(&error);
            ExitCode::FAILURE
        }
    }
}
