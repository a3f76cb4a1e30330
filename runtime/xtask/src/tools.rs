//! What a fresh machine may lack, and how it gets it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, bail, ensure};

use crate::step;
use crate::workspace::Workspace;

/// The first Go version that fetches the toolchain a module asks for.
const GO_MINIMUM: u32 = 21;

/// The Rust targets that rust-toolchain.toml names: rustup adds them by itself only where automatic installs are on.
pub(crate) fn rust_targets(workspace: &Workspace) -> anyhow::Result<()> {
    for target in ["wasm32-unknown-unknown", "wasm32-wasip2"] {
        let mut print = Command::new("rustc");
        print
            .args(["--print", "target-libdir", "--target", target])
            .current_dir(&workspace.root);
        if PathBuf::from(step::output(&mut print)?.trim()).is_dir() {
            continue;
        }
        step::begin(&format!(
            "the plugins need the Rust target {target}, which is missing: installing it with rustup"
        ));
        let mut add = Command::new("rustup");
        add.args(["target", "add", target])
            .current_dir(&workspace.root);
        step::output(&mut add)
            .with_context(|| format!("the Rust target {target} is not installed"))?;
    }
    Ok(())
}

/// Git with its HTTP backend, which serves the repositories of tests and demo.
pub(crate) fn git() -> anyhow::Result<()> {
    if !step::succeeds("git", &["--version"]) {
        debian_package("git", "git, which serves the repositories")?;
    }
    let mut path = Command::new("git");
    let folder = PathBuf::from(step::output(path.arg("--exec-path"))?.trim());
    ensure!(
        folder.join("git-http-backend").is_file(),
        "git has no http-backend in {}",
        folder.display()
    );
    Ok(())
}

/// Go, for the control plane. Any version from 1.21 on will do: it fetches the one that go.mod names.
pub(crate) fn go() -> anyhow::Result<PathBuf> {
    let installed = ["go", "/usr/local/go/bin/go"]
        .into_iter()
        .map(PathBuf::from)
        .find(|go| step::succeeds(go, &["version"]));
    let go = match installed {
        Some(go) => go,
        None => debian_go()?,
    };
    let mut version = Command::new(&go);
    let version = step::output(version.args(["env", "GOVERSION"]))?;
    let minor = version
        .trim()
        .strip_prefix("go1.")
        .and_then(|rest| rest.split(['.', 'r', 'b', ' ']).next())
        .and_then(|minor| minor.parse().ok());
    ensure!(
        minor.is_none_or(|minor: u32| minor >= GO_MINIMUM),
        "{} is Go {}: install Go 1.{GO_MINIMUM} or later from https://go.dev/dl/",
        go.display(),
        version.trim()
    );
    Ok(go)
}

/// Installs the newest Go that Debian has.
fn debian_go() -> anyhow::Result<PathBuf> {
    ensure!(
        step::succeeds("apt-get", &["--version"]),
        "missing: Go, which builds the control plane; install it from https://go.dev/dl/"
    );
    apt_update()?;
    let mut search = Command::new("apt-cache");
    let names = step::output(search.args(["search", "--names-only", "^golang-1\\.[0-9]+-go$"]))?;
    let minor = |name: &str| {
        name.strip_prefix("golang-1.")?
            .strip_suffix("-go")?
            .parse::<u32>()
            .ok()
    };
    let newest = names
        .lines()
        .filter_map(|line| minor(line.split(' ').next()?))
        .max()
        .context("Debian has no package of Go here")?;
    debian_package(
        &format!("golang-1.{newest}-go"),
        "Go, which builds the control plane",
    )?;
    Ok(PathBuf::from(format!("/usr/lib/go-1.{newest}/bin/go")))
}

/// Python with PyYAML and kubectl, which the corpora's own runners use.
pub(crate) fn corpus_runners() -> anyhow::Result<()> {
    if !step::succeeds("python3", &["--version"]) {
        debian_package("python3", "python3, which runs the corpora")?;
    }
    if !step::succeeds("python3", &["-c", "import yaml"]) {
        // The python3 that is found first may be another than Debian's, which sees no Debian package.
        let pip = step::succeeds(
            "python3",
            &["-m", "pip", "install", "--quiet", "--user", "pyyaml"],
        );
        if !pip || !step::succeeds("python3", &["-c", "import yaml"]) {
            debian_package(
                "python3-yaml",
                "PyYAML, which the corpora's runners read with",
            )?;
        }
    }
    if !step::succeeds("kubectl", &["version", "--client"]) {
        debian_package(
            "kubernetes-client",
            "kubectl, which the corpora's runners call",
        )?;
    }
    Ok(())
}

fn apt_update() -> anyhow::Result<()> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let Ok(mut done) = DONE.lock() else {
        bail!("an earlier `apt-get update` panicked")
    };
    if !*done {
        step::begin("apt-get update");
        step::output(apt().arg("update"))?;
        *done = true;
    }
    Ok(())
}

/// Unpacks the archives of the corpora.
pub(crate) fn zstd() -> anyhow::Result<()> {
    if step::succeeds("zstd", &["--version"]) {
        return Ok(());
    }
    debian_package("zstd", "zstd, which unpacks the corpora's archives")
}

/// `what` says what is missing, and for what it is needed.
fn debian_package(name: &str, what: &str) -> anyhow::Result<()> {
    ensure!(
        step::succeeds("apt-get", &["--version"]),
        "missing: {what}. There is no apt-get here to install it with: install it by hand"
    );
    apt_update()?;
    step::quiet(
        &format!("missing: {what}; installing the Debian package {name}"),
        || {
            let mut install = apt();
            install.args(["install", "--yes", "--no-install-recommends", name]);
            step::output(&mut install)
                .with_context(|| format!("{what} is missing and could not be installed"))
        },
    )?;
    Ok(())
}

fn apt() -> Command {
    let root = step::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = if root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
    command
}
