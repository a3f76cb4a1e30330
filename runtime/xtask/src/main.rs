//! `cargo xtask …`: every chore of the project. Each command sets up what it needs on a fresh machine.

mod controlplane;
mod step;
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
    /// Build the control plane for tests and print its path
    Controlplane,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = Workspace::load().and_then(|workspace| match arguments.command {
        Command::Controlplane => {
            let path = controlplane::build(&workspace)?;
            step::result(&path.display().to_string());
            Ok(())
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            step::failed(&error);
            ExitCode::FAILURE
        }
    }
}
