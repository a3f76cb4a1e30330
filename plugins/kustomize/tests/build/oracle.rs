//! The real kustomize, when it is there to record the cases anew.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "runs a program on files: this is what expectations come from"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cases::{Case, Printed};
use crate::memory_files::ROOT;

const VERSION: &str = "v5.8.1";

pub(crate) struct Oracle {
    program: String,
    folder: PathBuf,
}

impl Oracle {
    /// The kustomize that `TIDEGATE_KUSTOMIZE` names.
    pub(crate) fn from_environment() -> Option<Self> {
        let program = std::env::var("TIDEGATE_KUSTOMIZE").ok()?;
        let version = Command::new(&program).arg("version").output().unwrap();
        let version = String::from_utf8(version.stdout).unwrap();
        assert_eq!(version.trim(), VERSION, "{program}");
        let folder = std::env::temp_dir().join(format!("tidegate-oracle-{}", std::process::id()));
        Some(Self { program, folder })
    }

    /// What it prints for a case.
    pub(crate) fn build(&self, case: &Case) -> Printed {
        let flags: Vec<&str> = case.flags().collect();
        self.build_files(case.files(), &flags, &case.target(""))
    }

    /// What it prints for a folder among files.
    pub(crate) fn build_files<'f>(
        &self,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
        flags: &[&str],
        target: &str,
    ) -> Printed {
        let _ = std::fs::remove_dir_all(&self.folder);
        std::fs::create_dir_all(&self.folder).unwrap();
        // The path that messages have in them, links resolved.
        let root = self.folder.canonicalize().unwrap();
        for (path, content) in files {
            write(&root.join(path), content);
        }
        let root = root.to_str().unwrap();
        let output = Command::new(&self.program)
            .arg("build")
            .args(flags)
            .arg(format!("{root}{target}"))
            .output()
            .unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(root, ROOT);
        let (printed, problems) = (text(output.stdout), text(output.stderr));
        // It panics at some inputs.
        let parts = ["Error: ", "panic: ", "fatal error: "]
            .into_iter()
            .find_map(|start| problems.split_once(start));
        let (error, warnings) = match parts {
            Some((warnings, error)) => (Some(error), warnings),
            None => (None, problems.as_str()),
        };
        let error = error.map(|error| error.split("\ngoroutine ").next().unwrap_or(error));
        assert_eq!(error.is_none(), output.status.success(), "{problems}");
        Printed {
            result: error.map_or(Ok(printed), |error| Err(error.trim_end().to_owned())),
            // Those on flags come from the command line, which is not part of a build.
            warnings: warnings
                .split_inclusive('\n')
                .filter(|line| !line.starts_with("Flag --"))
                .collect(),
        }
    }
}

fn write(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
