//! The command line: which command was meant, and how its errors are shown.

pub(crate) mod pflag;

use crate::build;
use crate::flags;
use crate::flags::Flags;
use crate::flags::Role;
use crate::kustomize;
use crate::run;
use anyhow::Context as _;
use clap::ArgMatches;
use clap::Command;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use tidegate_kube::Kubeconfigs;

/// Runs the command that `arguments` name. Started under the name of one of Flux's controllers, the program is that
/// controller and takes its flags.
pub(crate) fn dispatch(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let program = arguments
        .first()
        .map(Path::new)
        .and_then(Path::file_name)
        .unwrap_or_default();
    if let Some(role) = Role::ALL.into_iter().find(|role| program == role.name()) {
        let matches = parse(flags::command().no_binary_name(true), &arguments[1..]);
        return run::run(Flags::new(matches, Some(role))?);
    }
    // These take the command lines of other programs, and are over before the rest of this one is set up.
    let word = |index: usize| arguments.get(index).and_then(|argument| argument.to_str());
    match word(1) {
        Some("kustomize") => return kustomize::run(&texts(&arguments[2..])?),
        Some("build") => return build::run(&texts(&arguments[2..])?),
        Some("help") => match word(2) {
            Some("kustomize") => return kustomize::run(&["--help".to_owned()]),
            Some("build") if word(3).is_some() => {
                return build::run(&[word(3).unwrap_or_default().to_owned(), "--help".to_owned()]);
            }
            Some("build") => return build::run(&[]),
            _ => {}
        },
        _ => {}
    }
    let command = Command::new("tidegate")
        .about(
            "Brings Git repositories into Kubernetes clusters and keeps them there, through Flux's objects",
        )
        .after_help(
            "`tidegate <COMMAND> --help` has the flags and examples of a command.",
        )
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(flags::command())
        .subcommand(
            Command::new("kustomize").about("Build a folder offline, as `kustomize build` does"),
        )
        .subcommand(
            Command::new("build")
                .about("Build a Flux Kustomization from local files, as `flux build kustomization` does"),
        );
    let matches = parse(command, arguments);
    match matches.subcommand() {
        Some(("run", matches)) => run::run(Flags::new(matches.clone(), None)?),
        _ => anyhow::bail!("no command was given"),
    }
}

fn texts(arguments: &[OsString]) -> anyhow::Result<Vec<String>> {
    let text = |argument: &OsString| {
        let text = argument
            .to_str()
            .with_context(|| format!("{}: the argument is not UTF-8", argument.display()))?;
        Ok(text.to_owned())
    };
    arguments.iter().map(text).collect()
}

fn parse(command: Command, arguments: &[OsString]) -> ArgMatches {
    command
        .try_get_matches_from(arguments)
        .unwrap_or_else(|error| error.exit())
}

/// Which cluster is meant, as kubectl finds it: `named` is what the flag `--kubeconfig` says.
pub(crate) fn kubeconfigs(named: Option<&Path>) -> Kubeconfigs {
    let (listed, home) = (std::env::var_os("KUBECONFIG"), std::env::var_os("HOME"));
    Kubeconfigs::find(named, listed.as_deref(), home.as_deref().map(Path::new))
}

/// As kustomize, Helm and Flux print errors.
#[expect(clippy::print_stderr, reason = "the command line speaks there")]
pub(crate) fn print_error(error: &anyhow::Error) {
    eprintln!("Error: {error:#}");
}
