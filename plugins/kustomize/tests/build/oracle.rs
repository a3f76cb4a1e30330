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

    pub(crate) fn build(&self, case: &Case) -> Printed {
        let _ = std::fs::remove_dir_all(&self.folder);
        std::fs::create_dir_all(&self.folder).unwrap();
        // The path that messages have in them, links resolved.
        let root = self.folder.canonicalize().unwrap();
        for (path, content) in case.files() {
            write(&root.join(path), content);
        }
        let root = root.to_str().unwrap();
        let output = Command::new(&self.program)
            .arg("build")
            .args(case.flags())
            .arg(case.target(root))
            .output()
            .unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(root, ROOT);
        let (printed, problems) = (text(output.stdout), text(output.stderr));
        let (error, warnings) = match problems.split_once("Error: ") {
            Some((warnings, error)) => (Some(error), warnings),
            None => (None, problems.as_str()),
        };
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
