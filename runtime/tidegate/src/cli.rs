//! The command line: which command was meant, and how its errors are shown.

use crate::flags;
use crate::flags::Flags;
use crate::flags::Role;
use crate::run;
use clap::ArgMatches;
use clap::Command;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command that `arguments` name. Started under the name of one of Flux's controllers, the program is that
/// controller and takes its flags.
pub(crate) fn dispatch(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let program = arguments.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    if let Some(role) = Role::ALL.into_iter().find(|role| program == role.name()) {
        let matches = parse(flags::command().no_binary_name(true), &arguments[1..]);
        run::run(Flags::new(matches, Some(role))?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let command = Command::new("tidegate")
        .about("A WebAssembly-pluggable GitOps engine that serves Flux's API")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(flags::command());
    let matches = parse(command, arguments);
    match matches.subcommand() {
        Some(("run", matches)) => run::run(Flags::new(matches.clone(), None)?)?,
        _ => anyhow::bail!("no command was given"),
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(command: Command, arguments: &[OsString]) -> ArgMatches {
    command.try_get_matches_from(arguments).unwrap_or_else(|error| error.exit())
}

/// As kustomize, Helm and Flux print errors.
#[expect(clippy::print_stderr, reason = "the command line speaks there")]
pub(crate) fn print_error(error: &anyhow::Error) {
    eprintln!("Error: {error:#}");
}
