//! The Cargo.toml of each crate: versions and lints come from the root.

use anyhow::Context;

use crate::workspace::Workspace;

/// Plain `cargo build` and `cargo test` mean every crate but components and examples.
pub(super) fn check_default_members(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let ids = |key: &str| {
        let ids = workspace.metadata[key].as_array();
        ids.with_context(|| format!("cargo metadata has no {key}"))
    };
    let components = workspace.components()?;
    let defaults = ids("workspace_default_members")?;
    let mut problems = Vec::new();
    for package in ids("packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        if defaults.contains(&package["id"]) == components.contains(&name) {
            problems.push(format!(
                "Cargo.toml: default-members are all members but components and examples, and `{name}` is wrong there"
            ));
        }
    }
    Ok(problems)
}

pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut section = "";
    let mut has_lints = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section = name;
            continue;
        }
        has_lints |= section == "lints" && line == "workspace = true";
        let is_dependency = section.ends_with("dependencies") && line.contains('=');
        if is_dependency
            && !line.contains(".workspace = true")
            && !line.contains("workspace = true,")
            && !line.contains("workspace = true }")
        {
            problems.push(format!(
                "{path}:{}: dependencies take their version from the root: `… .workspace = true`",
                index + 1
            ));
        }
        if section.contains("dependencies.") {
            problems.push(format!(
                "{path}:{}: write a dependency on one line",
                index + 1
            ));
        }
    }
    if text.contains("[package]") && !has_lints {
        problems.push(format!("{path}: has no `[lints] workspace = true`"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::check;

    const HEAD: &str = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n";

    #[test]
    fn versions_come_from_the_root() {
        let text = format!(
            "{HEAD}[dependencies]\na.workspace = true\nb = {{ workspace = true, features = [\"x\"] }}\n# c = \"1\"\n"
        );
        assert!(check("Cargo.toml", &text).is_empty());
        for wrong in [
            "c = \"1\"",
            "c = { version = \"1\" }",
            "c = { path = \"../c\" }",
        ] {
            let problems = check(
                "Cargo.toml",
                &format!("{HEAD}[dev-dependencies]\n{wrong}\n"),
            );
            assert_eq!(
                problems,
                [
                    "Cargo.toml:6: dependencies take their version from the root: `… .workspace = true`"
                ],
                "{wrong}"
            );
        }
    }

    #[test]
    fn lints_come_from_the_root() {
        assert_eq!(
            check("Cargo.toml", "[package]\nname = \"a\"\n"),
            ["Cargo.toml: has no `[lints] workspace = true`"]
        );
        assert!(check("Cargo.toml", "[workspace]\n").is_empty());
    }
}
