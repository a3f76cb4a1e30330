//! What is to be left alone: the `ignore` rules of a Kustomization.

use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_object::{LabelSelector, Pattern};

use crate::{Error, Pointer};

/// The configuration of the drift check, read and compiled once for many objects.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// The field manager that desired objects are applied as.
    manager: String,
}

#[derive(Debug)]
struct Rule {
    paths: Vec<Pointer>,
    target: Option<Target>,
}

#[derive(Debug)]
struct Target {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: LabelSelector,
    annotations: LabelSelector,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Configuration {
    #[serde(default)]
    field_manager: String,
    #[serde(default)]
    ignore: Option<Vec<RuleText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    paths: Vec<String>,
    #[serde(default)]
    target: Option<TargetText>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct TargetText {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
    label_selector: String,
    annotation_selector: String,
}

impl Rules {
    /// Reads `{"fieldManager": …, "ignore": […]}`, where `ignore` is that of a Kustomization's spec:
    /// each rule has `paths` and an optional `target` with patterns for `group`, `version`, `kind`,
    /// `name` and `namespace`, which must match as a whole, and `labelSelector` and
    /// `annotationSelector`.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let configuration: Configuration =
            serde_json::from_str(text).map_err(|error| Error::Configuration(error.to_string()))?;
        let rules = configuration.ignore.unwrap_or_default();
        let rules = rules.iter().map(Rule::compile).collect::<Result<_, _>>()?;
        Ok(Self {
            rules,
            manager: configuration.field_manager,
        })
    }

    /// Nothing is to be left alone.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn manager(&self) -> &str {
        &self.manager
    }

    /// The paths to be left alone in `object`, in the order of the rules.
    pub(crate) fn paths(&self, object: &Value) -> Vec<&Pointer> {
        let applying = self.rules.iter().filter(|rule| {
            rule.target
                .as_ref()
                .is_none_or(|target| target.matches(object))
        });
        applying.flat_map(|rule| &rule.paths).collect()
    }
}

impl Rule {
    fn compile(text: &RuleText) -> Result<Self, Error> {
        let paths = text
            .paths
            .iter()
            .map(|path| path.parse())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            paths,
            target: text.target.as_ref().map(Target::compile).transpose()?,
        })
    }
}

impl Target {
    fn compile(text: &TargetText) -> Result<Self, Error> {
        Ok(Self {
            group: pattern("group regex", &text.group)?,
            version: pattern("version regex", &text.version)?,
            kind: pattern("kind regex", &text.kind)?,
            name: pattern("name regex", &text.name)?,
            namespace: pattern("namespace regex", &text.namespace)?,
            labels: selector("label selector", &text.label_selector)?,
            annotations: selector("annotation selector", &text.annotation_selector)?,
        })
    }

    /// fluxcd/pkg, `ssa/jsondiff/selector.go`, `MatchUnstructured`.
    fn matches(&self, object: &Value) -> bool {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let api_version = text("/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.namespace.matches(text("/metadata/namespace"))
            && self.name.matches(text("/metadata/name"))
            && self.group.matches(group)
            && self.version.matches(version)
            && self.kind.matches(text("/kind"))
            && selects(&self.labels, object.pointer("/metadata/labels"))
            && selects(&self.annotations, object.pointer("/metadata/annotations"))
    }
}

fn selects(selector: &LabelSelector, labels: Option<&Value>) -> bool {
    let empty = Map::new();
    let labels = labels.and_then(Value::as_object).unwrap_or(&empty);
    selector.matches(|key| labels.get(key).and_then(Value::as_str))
}

fn pattern(field: &'static str, text: &str) -> Result<Pattern, Error> {
    Pattern::anchored(text).map_err(|error| Error::Selector {
        field,
        reason: error.to_string(),
    })
}

fn selector(field: &'static str, text: &str) -> Result<LabelSelector, Error> {
    LabelSelector::parse(text).map_err(|error| Error::Selector {
        field,
        reason: error.to_string(),
    })
}
