//! `cargo xtask codegen`: writes what the chart takes from `runtime/api`, the custom resource definitions and the rights
//! on the custom resources. Generated files are committed; `--check` tells those that are not current.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tidegate_api::{Labels, SourceKind, all_definitions, meta};

/// The release of Flux whose kinds these are. `flux check` prints it as the distribution's version.
const FLUX_VERSION: &str = "v2.9.4";

const CHART: &str = "charts/tidegate";

/// Writes all generated files below `workspace_root`; with `check` it changes nothing and fails when one is not current.
pub(crate) fn run(workspace_root: &Path, check: bool) -> anyhow::Result<()> {
    let chart = workspace_root.join(CHART);
    let wanted = generated()?;
    let mut stale = Vec::new();
    for (name, text) in &wanted {
        let path = chart.join(name);
        if std::fs::read_to_string(&path).ok().as_deref() == Some(text) {
            continue;
        }
        stale.push(format!("{CHART}/{name}"));
        if !check {
            let folder = path.parent().context("a generated file has a folder")?;
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
    }
    for path in left_over(&chart.join("crds"), &wanted)? {
        stale.push(format!(
            "{CHART}/crds/{} (no longer generated)",
            path.file_name().unwrap_or_default().display()
        ));
        if !check {
            std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    if check && !stale.is_empty() {
        bail!(
            "not current, run `cargo xtask codegen`: {}",
            stale.join(", ")
        );
    }
    Ok(())
}

/// The generated files by their path in the chart.
fn generated() -> anyhow::Result<BTreeMap<String, String>> {
    let labels = Labels::from([(
        "app.kubernetes.io/version".to_owned(),
        FLUX_VERSION.to_owned(),
    )]);
    let definitions = all_definitions(&labels);
    let mut files = BTreeMap::new();
    files.insert(
        "files/rbac.yaml".to_owned(),
        to_file(&rights(&definitions))?,
    );
    for (name, definition) in &definitions {
        files.insert(format!("crds/{name}"), to_file(definition)?);
    }
    Ok(files)
}

fn to_file(value: &Value) -> anyhow::Result<String> {
    let yaml = tidegate_yaml::json_to_yaml(&serde_json::to_vec(value)?)?;
    Ok(format!(
        "# Generated from runtime/api by `cargo xtask codegen`.\n{yaml}"
    ))
}

/// Definitions that lie in the folder and that nothing generates any more.
fn left_over(folder: &Path, wanted: &BTreeMap<String, String>) -> anyhow::Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| folder.display().to_string())?;
        if !wanted.contains_key(&format!("crds/{}", entry.file_name().display())) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn rule(group: &str, resources: &[String], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

fn core_rule(resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [""], "resources": resources, "verbs": verbs})
}

/// Rules by who gets them: the controllers, the controllers when they apply as somebody else only, and the people who
/// may view or edit.
fn rights(definitions: &[(String, Value)]) -> Value {
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, definition) in definitions {
        if let (Some(group), Some(plural)) = (
            definition["spec"]["group"].as_str(),
            definition["spec"]["names"]["plural"].as_str(),
        ) {
            kinds.entry(group).or_default().insert(plural);
        }
    }
    let groups: Vec<&str> = kinds.keys().copied().collect();
    json!({
        "controller": controller_rules(&kinds),
        // Impersonating `system:serviceaccount:…` asks for this right in the account's namespace.
        "impersonator": [core_rule(&["serviceaccounts"], &["impersonate"])],
        "view": [{"apiGroups": groups, "resources": ["*"], "verbs": ["get", "list", "watch"]}],
        "edit": [{
            "apiGroups": groups,
            "resources": ["*"],
            "verbs": ["create", "delete", "deletecollection", "patch", "update"],
        }],
    })
}

fn controller_rules(kinds: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Value> {
    let mut rules = Vec::new();
    for (group, plurals) in kinds {
        let below = |part: &str| {
            plurals
                .iter()
                .map(|plural| format!("{plural}{part}"))
                .collect::<Vec<_>>()
        };
        rules.push(rule(
            group,
            &below(""),
            &["get", "list", "watch", "update", "patch"],
        ));
        rules.push(rule(group, &below("/status"), &["get", "update", "patch"]));
        rules.push(rule(group, &below("/finalizers"), &["update"]));
    }
    let ours = kinds.get(meta::group::SOURCE);
    let foreign: Vec<String> = SourceKind::ALL
        .into_iter()
        .map(SourceKind::plural)
        .filter(|plural| ours.is_none_or(|ours| !ours.contains(plural)))
        .map(str::to_owned)
        .collect();
    if !foreign.is_empty() {
        rules.push(rule(
            meta::group::SOURCE,
            &foreign,
            &["get", "list", "watch"],
        ));
    }
    rules.extend([
        core_rule(
            &["namespaces", "secrets", "configmaps", "serviceaccounts"],
            &["get", "list", "watch"],
        ),
        core_rule(&["events"], &["create", "patch"]),
        // Tokens of the components and of tenants, for cloud identities.
        core_rule(&["serviceaccounts/token"], &["create"]),
        // Leader election.
        json!({
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
        }),
        // Whether the API server limits requests by itself is told in the answer to this.
        json!({"nonResourceURLs": ["/livez/ping"], "verbs": ["head"]}),
    ]);
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_files_are_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("the workspace's root");
        run(root, true).expect("current files");
    }

    #[test]
    fn stale_and_left_over_files_are_named_and_put_right() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path();
        run(root, false).expect("written files");
        run(root, true).expect("current files");
        std::fs::write(root.join("charts/tidegate/files/rbac.yaml"), "old")
            .expect("a written file");
        std::fs::write(root.join("charts/tidegate/crds/old.yaml"), "old").expect("a written file");
        let error = run(root, true).expect_err("stale files").to_string();
        assert!(
            error.contains("files/rbac.yaml") && error.contains("crds/old.yaml"),
            "{error}"
        );
        run(root, false).expect("written files");
        run(root, true).expect("current files");
    }

    #[test]
    fn controllers_may_write_the_status_of_their_kinds_and_only_read_others() {
        let rights = rights(&all_definitions(&Labels::new()));
        let rules = rights["controller"].as_array().expect("rules");
        let verbs_on = |resource: &str| -> Vec<&str> {
            let named = |rule: &&Value| {
                rule["resources"]
                    .as_array()
                    .is_some_and(|all| all.contains(&json!(resource)))
            };
            let rules = rules
                .iter()
                .filter(named)
                .flat_map(|rule| rule["verbs"].as_array().into_iter().flatten());
            rules.filter_map(Value::as_str).collect()
        };
        assert!(verbs_on("kustomizations/status").contains(&"patch"));
        assert!(verbs_on("gitrepositories").contains(&"watch"));
        assert_eq!(verbs_on("ocirepositories"), ["get", "list", "watch"]);
        assert_eq!(verbs_on("secrets"), ["get", "list", "watch"]);
        assert_eq!(verbs_on("serviceaccounts"), ["get", "list", "watch"]);
    }
}
