//! Damaged cases of kustomize inside of the sandbox: no build of them crashes, hangs or reaches a limit, and each gives
//! what the same engine gives outside.

#[path = "../../../../plugins/kustomize/tests/build/damage.rs"]
mod damage;

use crate::tree::MemoryTree;
use damage::{Input, Random};
use std::path::Path;
use tidegate_kustomize::{Entry, FileError, FileType, Files, Options, Remote, Reorder};
use tidegate_sandbox::{Call, Failure, Sandbox, SandboxConfig};
use tidegate_values::{EntryKind, ReadError, Tree};

/// Builds of every run.
const COUNT: usize = 1000;

/// A tree as the engine sees it without a sandbox, below the root that its messages name.
struct Outside<'t>(&'t dyn Tree);

impl Outside<'_> {
    fn ask<T>(
        operation: &'static str,
        path: &str,
        ask: impl FnOnce(&str) -> Result<T, ReadError>,
    ) -> Result<T, FileError> {
        let path_of = || path.to_owned();
        let inside = path.strip_prefix('/').unwrap_or(path);
        ask(inside).map_err(|error| match error {
            ReadError::NotAFile => FileError::IsADirectory { path: path_of() },
            ReadError::NotADirectory => FileError::NotADirectory {
                operation,
                path: path_of(),
            },
            _ => FileError::NotFound {
                operation,
                path: path_of(),
            },
        })
    }
}

fn file_type(kind: EntryKind) -> FileType {
    match kind {
        EntryKind::File => FileType::File,
        EntryKind::Directory => FileType::Directory,
    }
}

impl Files for Outside<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        Self::ask("open", path, |inside| self.0.read(inside)).map(|bytes| bytes.to_vec())
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, FileError> {
        let entries = Self::ask("open", path, |inside| self.0.entries(inside))?;
        let entry = |entry: tidegate_values::Entry| Entry {
            name: entry.name,
            file_type: file_type(entry.kind),
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn stat(&self, path: &str) -> Result<FileType, FileError> {
        let found = Self::ask("stat", path, |inside| {
            self.0.stat(inside)?.ok_or(ReadError::NotFound)
        });
        found.map(|entry| file_type(entry.kind))
    }

    fn real_path(&self, path: &str) -> Result<String, FileError> {
        let mut missing = path;
        for (end, _) in path.match_indices('/').skip(1) {
            if self.stat(&path[..end]).is_err() {
                missing = &path[..end];
                break;
            }
        }
        Self::ask("lstat", missing, |inside| {
            self.0.stat(inside)?.ok_or(ReadError::NotFound)
        })
        .map(|_| path.to_owned())
    }

    fn remote(&self, locator: &str) -> Result<Remote, FileError> {
        Err(FileError::Other(locator.to_owned()))
    }
}

#[test]
fn damaged_cases_end_inside_as_outside() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/kustomize/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let seeds: Vec<Input> = paths
        .iter()
        .map(|path| Input::of(&std::fs::read_to_string(path).unwrap()))
        .collect();
    let sandbox = Sandbox::new(SandboxConfig {
        results: 0,
        ..SandboxConfig::controller()
    })
    .unwrap();
    let plugin = sandbox.builtin("kustomize").unwrap();
    let options = Options {
        reorder: Reorder::None,
        ..Options::default()
    };
    let mut random = Random::new(2);
    let (mut built, mut refused) = (0, 0);
    for count in 0..COUNT {
        let mut input = random.pick(&seeds).clone();
        input.damage(&seeds, &mut random);
        let files: Vec<(&str, &str)> = input
            .files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_str()))
            .collect();
        let tree = MemoryTree::of(&files).shared();
        let report = plugin.render(Call {
            source: Some(tree.clone()),
            path: input.target.clone(),
            config: r#"{"reorder":"none"}"#.to_owned(),
            ..Call::default()
        });
        let target = format!("/{}", input.target);
        let outside = tidegate_kustomize::build(&Outside(tree.as_ref()), &target, &options);
        let inside = match report.outcome {
            Ok(()) => Ok(report
                .emissions
                .iter()
                .map(|emission| String::from_utf8_lossy(&emission.bytes).into_owned())
                .collect::<Vec<_>>()
                .join("---\n")),
            Err(Failure::InvalidInput(_)) => Err(()),
            Err(failure) => panic!("build {count}: {failure}\n{}", input.show()),
        };
        match &inside {
            Ok(_) => built += 1,
            Err(()) => refused += 1,
        }
        let outside = outside.map(|build| build.to_yaml()).map_err(|_| ());
        assert_eq!(inside, outside, "build {count}\n{}", input.show());
    }
    // Damage that lets everything through, or nothing, shows little.
    assert!(
        built > COUNT / 20 && refused > COUNT / 20,
        "{built} and {refused}"
    );
}
