//! Where an object came from, and what changed it: the annotations that `buildMetadata` asks for.

use std::fmt::Write as _;

use crate::paths;
use crate::repository::RepositorySpec;

pub(crate) const ORIGIN_ANNOTATION: &str = "config.kubernetes.io/origin";
pub(crate) const TRANSFORMATIONS_ANNOTATION: &str = "alpha.config.kubernetes.io/transformations";

/// The file, repository or generator that something came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) repository: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    pub(crate) configured_by: Option<ConfiguredBy>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfiguredBy {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Origin {
    /// The origin of what a resource entry of this kustomization means.
    pub(crate) fn append(&self, path: &str) -> Self {
        let mut origin = self.clone();
        if let Ok(repository) = RepositorySpec::parse(path) {
            origin.repository = repository.clone_spec();
            origin.reference = repository.reference;
            origin.path = repository.path;
        } else {
            origin.path = paths::join(&origin.path, path);
        }
        origin
    }

    /// The origin of what a built-in generator or transformer of a kustomization file makes.
    pub(crate) fn of_builtin(&self, file: &str, kind: &str) -> Self {
        Self {
            path: String::new(),
            repository: self.repository.clone(),
            reference: self.reference.clone(),
            configured_in: paths::join(&self.path, file),
            configured_by: Some(ConfiguredBy {
                api_version: "builtin".to_owned(),
                kind: kind.to_owned(),
                ..ConfiguredBy::default()
            }),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut add = |indent: &str, name: &str, value: &str| {
            if !value.is_empty() {
                lines.push(format!("{indent}{name}: {value}"));
            }
        };
        add("", "path", &self.path);
        add("", "repo", &self.repository);
        add("", "ref", &self.reference);
        add("", "configuredIn", &self.configured_in);
        if let Some(by) = &self.configured_by {
            lines.push("configuredBy:".to_owned());
            let mut add = |name: &str, value: &str| {
                if !value.is_empty() {
                    lines.push(format!("  {name}: {value}"));
                }
            };
            add("apiVersion", &by.api_version);
            add("kind", &by.kind);
            add("name", &by.name);
            add("namespace", &by.namespace);
        }
        lines
    }

    /// The value of the origin annotation.
    pub(crate) fn annotation(&self) -> String {
        let mut text = self.lines().join("\n");
        text.push('\n');
        text
    }
}

/// The value of the transformations annotation.
pub(crate) fn transformations_annotation(transformations: &[Origin]) -> String {
    let mut text = String::new();
    for origin in transformations {
        for (index, line) in origin.lines().iter().enumerate() {
            let _ = writeln!(text, "{}{line}", if index == 0 { "- " } else { "  " });
        }
    }
    text
}
