//! Builds a folder of the file system, with the flags of `kustomize build`: shows how to implement `Files`.
//!
//! cargo run -p tidegate-kustomize --example build -- [--load-restrictor LoadRestrictionsNone] [--reorder none] <folder>
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command line tool, outside of the sandbox"
)]

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::process::ExitCode;

use tidegate_kustomize::{
    Entry, FileError, FileType, Files, LoadRestrictor, Options, Remote, Reorder, build,
};

struct Disk;

fn explain(operation: &'static str, path: &str, error: &std::io::Error) -> FileError {
    match error.kind() {
        IoErrorKind::NotFound => FileError::NotFound {
            operation,
            path: path.to_owned(),
        },
        IoErrorKind::NotADirectory => FileError::NotADirectory {
            operation,
            path: path.to_owned(),
        },
        IoErrorKind::IsADirectory => FileError::IsADirectory {
            path: path.to_owned(),
        },
        _ => FileError::Other(format!("{operation} {path}: {error}")),
    }
}

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        fs::read(path).map_err(|error| explain("open", path, &error))
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, FileError> {
        let failed = |error: std::io::Error| explain("open", path, &error);
        let mut entries = fs::read_dir(path)
            .map_err(failed)?
            .map(|entry| {
                let entry = entry.map_err(failed)?;
                let is_folder = entry.file_type().map_err(failed)?.is_dir();
                Ok(Entry {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    file_type: if is_folder {
                        FileType::Directory
                    } else {
                        FileType::File
                    },
                })
            })
            .collect::<Result<Vec<_>, FileError>>()?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn stat(&self, path: &str) -> Result<FileType, FileError> {
        let metadata = fs::metadata(path).map_err(|error| explain("stat", path, &error))?;
        Ok(if metadata.is_dir() {
            FileType::Directory
        } else {
            FileType::File
        })
    }

    fn real_path(&self, path: &str) -> Result<String, FileError> {
        match fs::canonicalize(path) {
            Ok(real) => Ok(real.to_string_lossy().into_owned()),
            Err(error) => {
                // The first part that is missing names the problem.
                let mut part = String::new();
                for step in path.split('/').filter(|step| !step.is_empty()) {
                    part = format!("{part}/{step}");
                    if let Err(error) = fs::symlink_metadata(&part) {
                        return Err(explain("lstat", &part, &error));
                    }
                }
                Err(explain("lstat", path, &error))
            }
        }
    }

    fn remote(&self, locator: &str) -> Result<Remote, FileError> {
        Err(FileError::Other(format!(
            "remote '{locator}' is not fetched by this example"
        )))
    }
}

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut folder = ".".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--load-restrictor" => {
                if arguments.next().as_deref() == Some("LoadRestrictionsNone") {
                    options.load_restrictor = LoadRestrictor::None;
                }
            }
            "--reorder" => {
                if arguments.next().as_deref() == Some("none") {
                    options.reorder = Reorder::None;
                }
            }
            "--enable-managedby-label" => options.managed_by_label = true,
            "--generate" => options.generate = true,
            "--enable-alpha-plugins" => {}
            _ => folder = argument,
        }
    }
    let folder =
        std::path::absolute(&folder).map_or(folder, |path| path.to_string_lossy().into_owned());
    match build(&Disk, &folder, &options) {
        Ok(build) => {
            for warning in &build.warnings {
                eprintln!("{warning}");
            }
            print!("{}", build.to_yaml());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
