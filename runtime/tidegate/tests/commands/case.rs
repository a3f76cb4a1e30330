//! One case: a command line, its input, and what is to come of it.

use anyhow::Context as _;
use anyhow::bail;
use anyhow::ensure;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// Where the built-in plugins are; `cargo xtask test` sets it.
const PLUGINS: &str = "TIDEGATE_PLUGINS_DIR";

pub(crate) struct Case {
    folder: PathBuf,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Case {
    pub(crate) fn all(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let mut cases = Vec::new();
        for entry in folder
            .read_dir()
            .with_context(|| folder.display().to_string())?
        {
            let folder = entry?.path();
            if folder.is_dir() {
                cases.push(Self::read(folder)?);
            }
        }
        cases.sort_by(|a, b| a.folder.cmp(&b.folder));
        Ok(cases)
    }

    /// `command`: comments, then variables of the environment, then the arguments, one a line.
    fn read(folder: PathBuf) -> anyhow::Result<Self> {
        let file = folder.join("command");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let mut case = Self {
            folder,
            variables: Vec::new(),
            arguments: Vec::new(),
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.split_once('=') {
                Some((name, value)) if case.arguments.is_empty() => {
                    case.variables.push((name.to_owned(), value.to_owned()));
                }
                _ => case.arguments.push(line.to_owned()),
            }
        }
        ensure!(
            !case.arguments.is_empty(),
            "{} has no arguments",
            file.display()
        );
        Ok(case)
    }

    pub(crate) fn name(&self) -> String {
        self.folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    pub(crate) fn play(&self) -> anyhow::Result<()> {
        let scratch = tempfile::tempdir()?;
        let output = scratch.path().canonicalize()?.join("output");
        std::fs::create_dir(&output)?;
        let output_name = output.to_string_lossy().into_owned();
        // Read in place: a command that writes to its input changes the repository, which `git status` shows.
        let input = self.folder.join("input").canonicalize()?;
        let mut command = tidegate()?;
        command
            .current_dir(&input)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        for argument in &self.arguments {
            command.arg(
                argument
                    .replace("{output}", &output_name)
                    .replace("{empty}", ""),
            );
        }
        let ran = command.output()?;
        let shown = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.replace(&output_name, "{output}")
                .replace(&*input.to_string_lossy(), "{input}")
        };
        let mut problems = String::new();
        let mut compare = |what: &str, wanted: &str, got: &str| {
            if wanted != got {
                let _ = write!(problems, "\n== {what}, wanted:\n{wanted}\n== got:\n{got}\n");
            }
        };
        let wanted_errors = self.expected("stderr")?;
        compare("stderr", &wanted_errors, &shown(&ran.stderr));
        compare("stdout", &self.expected("stdout")?, &shown(&ran.stdout));
        let fails = wanted_errors
            .lines()
            .any(|line| line.starts_with("Error:") || line.starts_with('✗'));
        compare(
            "exit code",
            if fails { "1" } else { "0" },
            &ran.status.code().unwrap_or(-1).to_string(),
        );
        let wanted_files = files(&self.folder.join("output"))?;
        let got_files = files(&output)?;
        for name in wanted_files.keys().chain(got_files.keys()) {
            let text = |files: &BTreeMap<String, String>| {
                files.get(name).cloned().unwrap_or("(no file)".to_owned())
            };
            compare(name, &text(&wanted_files), &text(&got_files));
        }
        if !problems.is_empty() {
            bail!("{problems}");
        }
        Ok(())
    }

    /// What stands in a file of the case; a missing one is empty.
    fn expected(&self, name: &str) -> anyhow::Result<String> {
        let file = self.folder.join(name);
        if !file.exists() {
            return Ok(String::new());
        }
        std::fs::read_to_string(&file).with_context(|| file.display().to_string())
    }
}

/// The program, with nothing of the caller's environment but the plugins.
pub(crate) fn tidegate() -> anyhow::Result<Command> {
    let plugins = std::env::var_os(PLUGINS).with_context(|| {
        format!("{PLUGINS} is not set: `cargo xtask test` builds the plugins and sets it")
    })?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.env_clear().env(PLUGINS, plugins);
    Ok(command)
}

/// The files of a folder by name; none if there is no folder.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if folder.is_dir() {
        for entry in folder.read_dir()? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(entry.path())?);
        }
    }
    Ok(files)
}
