//! What is too large or too deep, and what it takes to find that out.

use crate::checkout::fetch;
use std::fs::File;
use tidegate_git::{Error, Failure, Options, Reference};
use tidegate_testkit::git_server::{GitServer, Repository};
use tidegate_values::{PathError, ReadError, Tree as _};

pub(crate) fn limited(file_bytes: u64) -> Options {
    let mut options = Options::default();
    options.limits.file_bytes = file_bytes;
    options
}

fn cause(repository: &Repository, options: &Options) -> Failure {
    let fetched = fetch(repository.url(), &Reference::branch("main"), options);
    match fetched.err().unwrap() {
        Error::Clone { cause, .. } => cause,
        other => panic!("{other}"),
    }
}

/// A file that nobody reads harms nobody, whether Git sends it or is asked to leave it out.
#[test]
fn a_file_over_the_limit_can_t_be_read() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("large").unwrap();
    repository.write("small.yaml", "a: 1\n").unwrap();
    repository
        .write("deep/down/big", vec![b'x'; 10_000])
        .unwrap();
    repository.commit("big").unwrap();
    let options = limited(9_999);
    let main = Reference::branch("main");
    let tree = fetch(repository.url(), &main, &options).unwrap().tree;
    assert_eq!(tree.read("deep/down/big"), Err(ReadError::TooLarge));
    assert_eq!(tree.stat("deep/down/big").unwrap().unwrap().size, 10_000);
    assert_eq!(tree.read("small.yaml").unwrap(), "a: 1\n");
    let all = fetch(repository.url(), &main, &limited(10_000)).unwrap();
    assert_eq!(all.tree.read("deep/down/big").unwrap().len(), 10_000);

    repository
        .git(&["config", "uploadpack.allowFilter", "false"])
        .unwrap();
    assert_eq!(
        cause(&repository, &options).to_string(),
        "repository exceeds the limit of 9999 bytes in a file"
    );
}

/// A commit with everything in the work tree, and `commit` as submodule at `path`.
pub(crate) fn link(repository: &Repository, path: &str, commit: &str) {
    let head = repository.commit("files").unwrap();
    let index = repository.git_dir().join("index");
    let _ = std::fs::remove_file(index);
    repository.git(&["read-tree", &head]).unwrap();
    let entry = format!("160000,{commit},{path}");
    repository
        .git(&["update-index", "--add", "--cacheinfo", &entry])
        .unwrap();
    let tree = repository.git(&["write-tree"]).unwrap();
    let linked = repository
        .git(&["commit-tree", &tree, "-p", &head, "-m", "link"])
        .unwrap();
    repository
        .git(&["update-ref", "refs/heads/main", &linked])
        .unwrap();
}

/// Left out like any file over the limit, it would look as if there were no submodules.
#[test]
fn submodules_are_not_forgotten_with_a_large_gitmodules() {
    let server = GitServer::start().unwrap();
    let library = server.repository("library").unwrap();
    library.write("a.yaml", "a: 1\n").unwrap();
    let commit = library.commit("first").unwrap();
    let main = server.repository("main").unwrap();
    let url = library.url();
    let modules = format!(
        "[submodule \"lib\"]\n\tpath = lib\n\turl = {url}\n# {}\n",
        "x".repeat(10_000)
    );
    main.write(".gitmodules", modules).unwrap();
    link(&main, "lib", &commit);
    let mut options = Options {
        submodules: true,
        ..limited(9_999)
    };
    assert_eq!(
        cause(&main, &options).to_string(),
        "repository exceeds the limit of 9999 bytes in .gitmodules"
    );
    options.submodules = false;
    let tree = fetch(main.url(), &Reference::branch("main"), &options);
    assert_eq!(tree.unwrap().tree.entries("lib"), Ok(Vec::new()));
}

/// 80 MiB that Git sends as 80 KiB never come to be in memory.
#[test]
fn a_file_over_the_limit_is_never_inflated() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("zeros").unwrap();
    repository.write("a.yaml", "a: 1\n").unwrap();
    let zeros = File::create(repository.tree().join("zeros")).unwrap();
    zeros.set_len(80 << 20).unwrap();
    repository.commit("zeros").unwrap();
    let before = peak_mebibytes(true);
    let main = Reference::branch("main");
    let tree = fetch(repository.url(), &main, &limited(16 << 20));
    let tree = tree.unwrap().tree;
    assert_eq!(tree.read("zeros"), Err(ReadError::TooLarge));
    assert_eq!(tree.read("a.yaml").unwrap(), "a: 1\n");
    let after = peak_mebibytes(false);
    assert!(after < before + 40, "{before} MiB before, {after} after");
}

/// The most memory that this process ever had, or had since the last one that `again`.
fn peak_mebibytes(again: bool) -> u64 {
    if again {
        // proc(5): 5 resets the peak.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes: u64 = line
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|number| number.parse().ok())
        .unwrap();
    kibibytes / 1024
}

/// A repository whose only file lies in `depth` folders of the name `d`.
fn nested(server: &GitServer, depth: usize) -> Repository {
    let repository = server.repository(&format!("deep-{depth}")).unwrap();
    repository.write("a.yaml", "a: 1\n").unwrap();
    repository.commit("flat").unwrap();
    // Newer Gits walk 2048 folders only, unless told.
    repository
        .git(&["config", "core.maxTreeDepth", "1000000"])
        .unwrap();
    let mut tree = repository.git(&["write-tree"]).unwrap();
    for _ in 0..depth {
        let file = repository.tree().join("../entry");
        std::fs::write(&file, format!("040000 tree {tree}\td\n")).unwrap();
        let made = std::process::Command::new("git")
            .arg("--git-dir")
            .arg(repository.git_dir())
            .arg("mktree")
            .stdin(File::open(&file).unwrap())
            .output()
            .unwrap();
        String::from_utf8(made.stdout)
            .unwrap()
            .trim()
            .clone_into(&mut tree);
    }
    let commit = repository
        .git(&["commit-tree", "-m", "deep", &tree])
        .unwrap();
    repository
        .git(&["update-ref", "refs/heads/main", &commit])
        .unwrap();
    repository
}

#[test]
fn folders_in_folders_have_an_end() {
    let server = GitServer::start().unwrap();
    let fine = nested(&server, 255);
    let tree = fetch(fine.url(), &Reference::branch("main"), &Options::default());
    let file = format!("{}a.yaml", "d/".repeat(255));
    assert_eq!(tree.unwrap().tree.read(&file).unwrap(), "a: 1\n");
    let deep = cause(&nested(&server, 300), &Options::default());
    let Failure::Path(PathError::TooDeep(path)) = &deep else {
        panic!("{deep}");
    };
    assert_eq!(path, &format!("{}…", "d/".repeat(60)));
    assert!(deep.to_string().ends_with("has more than 256 parts"));
}
