//! Builds `tests/controlplane`, once for each content of its sources.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use tidegate_testkit::control_plane::cached_binary;

use crate::workspace::Workspace;
use crate::{step, tools};

/// The path of the program, built when it is not in the cache.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let path = cached_binary(&workspace.root)?;
    if path.is_file() {
        return Ok(path);
    }
    let go = tools::go()?;
    step::quiet(
        "building the control plane: etcd and kube-apiserver, with the download of their sources and of Go's toolchain (once, some six minutes)",
        || {
            let sources = workspace.root.join("tests/controlplane");
            let folder = path.parent().context("the cache has no folder")?;
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            // Into a name of its own first: a build that is cut off leaves nothing that looks whole.
            let unfinished = folder.join(format!("controlplane.{}", std::process::id()));
            let mut command = Command::new(go);
            command
                .current_dir(&sources)
                .args(["build", "-buildvcs=false", "-ldflags"]);
            command.arg(format!(
                "-s -w {}",
                version_flags(&std::fs::read_to_string(sources.join("go.mod"))?)?
            ));
            command.arg("-o").arg(&unfinished).arg(".");
            step::output(&mut command)?;
            std::fs::rename(&unfinished, &path).with_context(|| path.display().to_string())?;
            Ok(())
        },
    )?;
    Ok(path)
}

/// Linker flags that say the version: without them `/version` is `v0.0.0-master`, which charts with a kubeVersion refuse.
fn version_flags(go_mod: &str) -> anyhow::Result<String> {
    let version = go_mod
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "))
        .context("go.mod requires no k8s.io/kubernetes")?;
    let minor = version
        .split('.')
        .nth(1)
        .with_context(|| format!("the version {version} in go.mod"))?;
    let mut flags = String::new();
    for package in [
        "k8s.io/component-base/version",
        "k8s.io/client-go/pkg/version",
    ] {
        for (name, value) in [
            ("gitVersion", version),
            ("gitMajor", "1"),
            ("gitMinor", minor),
            ("gitTreeState", "clean"),
            ("buildDate", "1970-01-01T00:00:00Z"),
        ] {
            let _ = write!(flags, "-X {package}.{name}={value} ");
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_comes_from_go_mod() {
        let flags = version_flags(
            "module m\n\nrequire (\n\tk8s.io/api v0.36.3\n\tk8s.io/kubernetes v1.36.3\n)\n",
        )
        .expect("a version");
        assert!(
            flags.contains("-X k8s.io/client-go/pkg/version.gitVersion=v1.36.3 "),
            "{flags}"
        );
        assert!(
            flags.contains("-X k8s.io/component-base/version.gitMinor=36 "),
            "{flags}"
        );
        assert!(version_flags("module m\n").is_err());
    }
}
