//! Repositories as kustomize's command line gets them: with the user's own `git`, and so with the credentials, proxies
//! and kinds of URL that it knows (kustomize `api/internal/git`, `ClonerUsingGitExec`).

use crate::file_tree::FileTree;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tidegate_git::Locator;

/// How often a command that runs is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// The user's `git`, if there is one on the path.
pub(crate) fn program(path: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(path?)
        .map(|folder| folder.join("git"))
        .find(|program| program.is_file())
}

/// Clones what a locator names into a folder that goes with the tree. The texts of errors are kustomize's; those of
/// `git` stand in them.
pub(crate) fn clone(git: &Path, locator: &Locator) -> Result<FileTree, String> {
    let reference = locator.reference.as_deref().unwrap_or("HEAD");
    if locator.repository.starts_with('-') || reference.starts_with('-') {
        // Where kustomize lets a URL give options to git, which can name programs to run.
        return Err(format!(
            "{}: neither a repository nor its ref may begin with a dash",
            tidegate_values::SafeUrl::new(&locator.repository)
        ));
    }
    let folder = tempfile::Builder::new().prefix("kustomize-").tempdir();
    let folder = folder.map_err(|error| format!("can't make a folder to clone into: {error}"))?;
    let run = |arguments: &[&str]| run(git, arguments, folder.path(), locator.timeout);
    run(&["init"])?;
    // Submodules may be relative to it.
    run(&["remote", "add", "origin", &locator.repository])?;
    run(&["fetch", "--depth=1", &locator.repository, reference])?;
    run(&["checkout", "FETCH_HEAD"])?;
    if locator.submodules {
        run(&["submodule", "update", "--init", "--recursive"])?;
    }
    FileTree::of(folder).map_err(|error| format!("can't read the clone: {error}"))
}

/// Runs a command of git in `folder`, for `timeout` at most.
fn run(git: &Path, arguments: &[&str], folder: &Path, timeout: Duration) -> Result<(), String> {
    let shown = format!("{} {}", git.display(), arguments.join(" "));
    let failed = |output: &str, cause: &dyn std::fmt::Display| {
        format!("failed to run '{shown}': {output}: {cause}")
    };
    let mut output = tempfile::tempfile().map_err(|error| failed("", &error))?;
    let handle = |output: &File| output.try_clone().map_err(|error| failed("", &error));
    let mut command = Command::new(git);
    command.args(arguments).current_dir(folder);
    command
        .stdin(Stdio::null())
        .stdout(handle(&output)?)
        .stderr(handle(&output)?);
    match finish(&mut command, timeout).map_err(|error| failed("", &error))? {
        None => Err(format!(
            "hit {} timeout running '{shown}'",
            tidegate_api::Duration::from(timeout)
        )),
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let status = status
                .code()
                .map_or_else(|| status.to_string(), |code| format!("exit status {code}"));
            let said = said(&mut output).map_err(|error| failed("", &error))?;
            Err(failed(&said, &status))
        }
    }
}

/// `None` when the time was up: the command is ended then.
fn finish(command: &mut Command, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

fn said(output: &mut File) -> io::Result<String> {
    use io::{Read as _, Seek as _};
    output.rewind()?;
    let mut text = Vec::new();
    output.take(64 * 1024).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
