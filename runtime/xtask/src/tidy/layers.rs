//! Which crate may name which: the one-way rule of ARCHITECTURE.md, and the owners of large crates in deny.toml.

use std::path::Path;

use anyhow::Context;

use super::deny::Deny;
use crate::workspace::Workspace;

/// Each folder of a crate, lowest layer first. A crate may name those of lower layers; those of its own only where
/// the layer says so.
const LAYERS: &[Layer] = &[
    Layer {
        name: "engines and SDK of plugins",
        folders: &["plugins/*"],
        own: true,
    },
    Layer {
        name: "components",
        folders: &["plugins/components/*", "examples/plugins/*"],
        own: false,
    },
    Layer {
        name: "api and values",
        folders: &["runtime/api", "runtime/values", "runtime/health"],
        own: true,
    },
    Layer {
        name: "capabilities",
        folders: &[
            "runtime/apply",
            "runtime/artifact",
            "runtime/cel",
            "runtime/git",
            "runtime/kube",
            "runtime/notify",
            "runtime/sandbox",
        ],
        own: false,
    },
    Layer {
        name: "flow",
        folders: &["runtime/flow"],
        own: false,
    },
    Layer {
        name: "controllers",
        folders: &["runtime/kustomization", "runtime/source"],
        own: false,
    },
    Layer {
        name: "binary",
        folders: &["runtime/tidegate"],
        own: false,
    },
    Layer {
        name: "test kit",
        folders: &["runtime/testkit"],
        own: false,
    },
    Layer {
        name: "chores and tests",
        folders: &["runtime/xtask", "tests"],
        own: false,
    },
];

const COMPONENTS: usize = 1;
const API: usize = 2;
const CAPABILITIES: usize = 3;
const TEST_KIT: usize = 7;

struct Layer {
    name: &'static str,
    folders: &'static [&'static str],
    own: bool,
}

/// A crate of the workspace.
pub(super) struct Package {
    name: String,
    folder: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    /// The folder, of a crate of the workspace.
    folder: Option<String>,
    is_dev: bool,
}

impl Package {
    /// From `cargo metadata`.
    pub(super) fn all(workspace: &Workspace) -> anyhow::Result<Vec<Package>> {
        let relative = |path: &str| {
            let path = Path::new(path).strip_prefix(&workspace.root).ok()?;
            Some(path.to_string_lossy().into_owned())
        };
        let packages = workspace.metadata["packages"]
            .as_array()
            .context("cargo metadata has no packages")?;
        packages
            .iter()
            .map(|package| {
                let manifest = package["manifest_path"]
                    .as_str()
                    .and_then(relative)
                    .context("a package outside of the workspace")?;
                let dependencies = package["dependencies"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|dependency| Dependency {
                        name: dependency["name"].as_str().unwrap_or_default().to_owned(),
                        folder: dependency["path"].as_str().and_then(relative),
                        is_dev: dependency["kind"] == "dev",
                    });
                Ok(Package {
                    name: package["name"].as_str().unwrap_or_default().to_owned(),
                    folder: manifest
                        .trim_end_matches("Cargo.toml")
                        .trim_end_matches('/')
                        .to_owned(),
                    dependencies: dependencies.collect(),
                })
            })
            .collect()
    }
}

pub(super) fn check(packages: &[Package], deny: &Deny) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages {
        let folder = &package.folder;
        let Some(layer) = layer(folder) else {
            problems.push(format!(
                "{folder}: give the crate a layer in runtime/xtask/src/tidy/layers.rs"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let problem = match &dependency.folder {
                Some(other) => inside(folder, layer, other, dependency.is_dev),
                None => outside(&package.name, &dependency.name, deny),
            };
            problems.extend(problem);
        }
    }
    problems
}

fn inside(folder: &str, layer: usize, other: &str, is_dev: bool) -> Option<String> {
    let other_layer = self::layer(other)?;
    let in_plugins =
        |folder: &str| folder.starts_with("plugins/") || folder.starts_with("examples/plugins/");
    if in_plugins(folder) && !in_plugins(other) {
        return Some(format!(
            "{folder} names {other}: nothing in plugins/ names a crate of runtime/, and no example"
        ));
    }
    if other_layer == COMPONENTS {
        return Some(format!(
            "{folder} names {other}: components are for wasm32 only"
        ));
    }
    if is_dev && other_layer == TEST_KIT {
        return None;
    }
    if layer == CAPABILITIES && other == "runtime/api" {
        return Some(format!(
            "{folder} names {other}: capabilities know no custom resource"
        ));
    }
    if layer == other_layer && LAYERS[layer].own && layer != API {
        return None;
    }
    // health and api stand on values; values stands on nothing of ours.
    if layer == API && other == "runtime/values" {
        return None;
    }
    if layer == API && layer == other_layer {
        return Some(format!(
            "{folder} names {other}: of its layer only runtime/values may be named"
        ));
    }
    if other_layer >= layer {
        let (name, other_name) = (LAYERS[layer].name, LAYERS[other_layer].name);
        return Some(format!(
            "{folder} ({name}) names {other} ({other_name}): only lower layers may be named"
        ));
    }
    None
}

fn outside(package: &str, name: &str, deny: &Deny) -> Option<String> {
    let owned = deny.banned.iter().find(|banned| banned.name == name)?;
    if owned.wrappers.iter().any(|owner| owner == package) {
        return None;
    }
    Some(format!(
        "{package} names {name}: deny.toml lets only {} do so",
        owned.wrappers.join(", ")
    ))
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS
        .iter()
        .position(|layer| layer.folders.iter().any(|pattern| fits(pattern, folder)))
}

/// A `*` at the end stands for one folder.
fn fits(pattern: &str, folder: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => folder
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('/')),
        None => pattern == folder,
    }
}

#[cfg(test)]
mod tests {
    use super::super::deny::tests::some;
    use super::*;

    /// `dependency` is a crate of the workspace where it has a slash; `dev:` in front makes it one of tests.
    #[track_caller]
    fn check_one(folder: &str, dependency: &str, expected: Option<&str>) {
        let name = dependency.trim_start_matches("dev:");
        let package = Package {
            name: folder.replace("runtime/", "tidegate-"),
            folder: folder.to_owned(),
            dependencies: vec![Dependency {
                name: name.to_owned(),
                folder: name.contains('/').then(|| name.to_owned()),
                is_dev: dependency.starts_with("dev:"),
            }],
        };
        let got = check(&[package], &some());
        match expected {
            None => assert!(got.is_empty(), "{got:?}"),
            Some(text) => assert!(got.len() == 1 && got[0].contains(text), "{got:?}"),
        }
    }

    #[test]
    fn the_rule_is_one_way() {
        check_one("runtime/source", "runtime/git", None);
        check_one("runtime/git", "runtime/source", Some("only lower layers"));
        check_one("runtime/git", "runtime/values", None);
        check_one("runtime/git", "runtime/artifact", Some("only lower layers"));
        check_one("runtime/git", "runtime/api", Some("no custom resource"));
        check_one(
            "runtime/source",
            "runtime/kustomization",
            Some("only lower layers"),
        );
        check_one("runtime/api", "runtime/values", None);
        check_one("runtime/values", "runtime/api", Some("only runtime/values"));
        check_one("runtime/values", "plugins/object", None);
        check_one("runtime/tidegate", "runtime/flow", None);
        check_one("runtime/xtask", "runtime/testkit", None);
    }

    #[test]
    fn plugins_know_no_runtime() {
        check_one("plugins/kustomize", "plugins/yaml", None);
        check_one(
            "plugins/kustomize",
            "runtime/values",
            Some("nothing in plugins/"),
        );
        check_one(
            "plugins/kustomize",
            "dev:runtime/testkit",
            Some("nothing in plugins/"),
        );
        check_one("plugins/components/kustomize", "plugins/kustomize", None);
        check_one("examples/plugins/subset", "plugins/guest", None);
        check_one(
            "examples/plugins/subset",
            "runtime/values",
            Some("and no example"),
        );
        check_one(
            "runtime/sandbox",
            "plugins/components/kustomize",
            Some("wasm32 only"),
        );
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        check_one("runtime/git", "dev:runtime/testkit", None);
        check_one("runtime/git", "runtime/testkit", Some("only lower layers"));
    }

    #[test]
    fn large_dependencies_have_one_owner() {
        check_one("runtime/sandbox", "wasmtime", None);
        check_one(
            "runtime/apply",
            "wasmtime",
            Some("tidegate-apply names wasmtime: deny.toml lets only tidegate-sandbox do so"),
        );
    }

    #[test]
    fn a_new_crate_needs_a_layer() {
        check_one("runtime/other", "serde", Some("give the crate a layer"));
    }
}
