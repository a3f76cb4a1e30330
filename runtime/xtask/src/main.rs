//! `cargo xtask …`: every chore of the project. Each command sets up what it needs on a fresh machine.

mod bench;
mod chart;
mod codegen;
mod conformance;
mod controlplane;
mod demo;
mod image;
mod lint;
mod oracle;
mod plugins;
mod setup;
mod step;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the Tidegate project")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play the main job on a real API server and a real Git repository; KUBECONFIG names a cluster of your own
    Demo {
        /// Leave everything running at the end, and say how to look around
        #[arg(long)]
        keep: bool,
    },
    /// Set everything up and run all tests
    Test,
    /// Only set up what the tests need, for `cargo test` by hand
    Setup,
    /// Measure a release build on the control plane
    Bench(bench::Options),
    /// Play a corpus of ../shared against an engine, and print the report
    Conformance(conformance::Options),
    /// Check formatting, clippy, documentation, generated files and the rules of this repository
    Lint,
    /// Check the rules of this repository: layers, versions, file sizes, licences
    Tidy,
    /// Write the generated files: definitions and rights in the chart
    Codegen {
        /// Change nothing, and fail when a file is not current
        #[arg(long)]
        check: bool,
    },
    /// Lint and render the chart with the real helm, and check what comes out
    Chart,
    /// Make a container image of a release build, without Docker, and print the path of its archive
    Image(image::Options),
    /// Build the control plane for tests and print its path
    Controlplane,
    /// Build the built-in plugins and the examples, and print the folder of the built-ins
    Plugins,
    /// Record anew what the real kustomize prints for the cases of plugins/kustomize
    Oracle,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Workspace::load().and_then(|workspace| run(&workspace, &arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<demo::Interrupted>() => ExitCode::from(demo::INTERRUPTED),
        Err(error) => {
            step::failed(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(workspace: &Workspace, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Demo { keep } => demo::run(workspace, *keep),
        Command::Test => test::run(workspace),
        Command::Setup => {
            let ready = setup::run(workspace)?;
            setup::tidegate(workspace, &ready, "dev").map(drop)
        }
        Command::Bench(options) => bench::run(workspace, options),
        Command::Conformance(options) => conformance::run(workspace, options),
        Command::Lint => lint::run(workspace),
        Command::Tidy => tidy::run(workspace),
        Command::Codegen { check } => codegen::run(&workspace.root, *check),
        Command::Chart => chart::check(&workspace.root),
        Command::Image(options) => image::run(workspace, options),
        Command::Controlplane => {
            step::result(&controlplane::build(workspace)?.display().to_string());
            Ok(())
        }
        Command::Plugins => {
            let built = plugins::run(&workspace.root, &workspace.target)?;
            plugins::examples(&workspace.root, &workspace.target)?;
            step::result(&built.display().to_string());
            Ok(())
        }
        Command::Oracle => oracle::kustomize(workspace),
    }
}
