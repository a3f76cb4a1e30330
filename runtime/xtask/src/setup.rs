//! What tests, demo and benches need before they begin: tools, plugins, the control plane.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::anyhow;

use crate::workspace::Workspace;
use crate::{controlplane, plugins, step, tools};

/// The things made by [`run`].
pub(crate) struct Ready {
    /// The compiled built-in plugins.
    pub(crate) plugins: PathBuf,
    /// The control plane program.
    pub(crate) controlplane: PathBuf,
}

impl Ready {
    /// The variables that tell cargo's builds and the tests where things are.
    pub(crate) fn environment(&self) -> [(&'static str, OsString); 2] {
        [
            (
                "TIDEGATE_PLUGINS_DIR",
                self.plugins.clone().into_os_string(),
            ),
            (
                "TIDEGATE_CONTROLPLANE",
                self.controlplane.clone().into_os_string(),
            ),
        ]
    }
}

/// Installs what is missing and builds what is not there yet.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Ready> {
    step::timed("tools", || {
        tools::rust_targets(workspace)?;
        tools::git()
    })?;
    std::thread::scope(|scope| {
        // Go and Rust build at the same time: each has long stretches that keep one core busy only.
        let controlplane = scope.spawn(|| controlplane::build(workspace));
        let plugins = step::timed("plugins", || {
            let plugins = plugins::run(&workspace.root, &workspace.target)?;
            plugins::examples(&workspace.root, &workspace.target)?;
            Ok(plugins)
        });
        let controlplane = controlplane
            .join()
            .map_err(|_| anyhow!("building the control plane panicked"))?;
        Ok(Ready {
            plugins: plugins?,
            controlplane: controlplane?,
        })
    })
}

/// Builds the `tidegate` program in a cargo profile (`dev`, `release`) and says where it is.
pub(crate) fn tidegate(
    workspace: &Workspace,
    ready: &Ready,
    profile: &str,
) -> anyhow::Result<PathBuf> {
    let mut command: Command = workspace.cargo();
    command.args(["build", "--bin", "tidegate", "--profile", profile]);
    // What is released and measured has no feature that only tests and chores ask for. Else what is compiled already
    // counts more.
    if profile != "dev" {
        command.args(["--package", "tidegate"]);
    }
    command.envs(ready.environment());
    step::timed(&format!("tidegate ({profile} build)"), || {
        step::run(&mut command)
    })?;
    workspace.program(if profile == "dev" { "debug" } else { profile }, "tidegate")
}
