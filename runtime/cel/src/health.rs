//! Users' rules for the health of objects: `healthCheckExprs` of a Kustomization.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Error, Expression};

/// What the rules say of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Current,
    InProgress,
    Failed,
}

/// One entry of `healthCheckExprs`, as it was written. Without `kind` it is for all kinds of the
/// group that have no entry of their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct HealthRules<'a> {
    pub api_version: &'a str,
    pub kind: &'a str,
    pub current: &'a str,
    pub in_progress: Option<&'a str>,
    pub failed: Option<&'a str>,
}

/// All entries of an object, compiled, by group and kind.
#[derive(Debug, Clone, Default)]
pub struct HealthExpressions {
    by_kind: BTreeMap<(String, String), Rules>,
}

#[derive(Debug, Clone)]
struct Rules {
    in_progress: Option<Expression>,
    failed: Option<Expression>,
    current: Expression,
}

impl HealthExpressions {
    /// Compiles the entries. The version plays no part: two entries of one group and kind are an
    /// error (fluxcd/pkg, `runtime/cel`, `NewStatusReader`).
    pub fn compile<'a>(entries: impl IntoIterator<Item = HealthRules<'a>>) -> Result<Self, Error> {
        let mut by_kind = BTreeMap::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let group = entry
                .api_version
                .split_once('/')
                .map_or("", |(group, _)| group);
            let key = (group.to_owned(), entry.kind.to_owned());
            if by_kind.contains_key(&key) {
                // apimachinery, `GroupKind.String`
                let shown = if group.is_empty() {
                    entry.kind.to_owned()
                } else {
                    format!("{}.{group}", entry.kind)
                };
                return Err(Error::HealthCheck(format!(
                    "duplicate custom health check for GroupKind {shown} at healthchecks[{index}]"
                )));
            }
            let rules = Rules::compile(&entry).map_err(|reason| {
                Error::HealthCheck(format!(
                    "failed to create custom status evaluator for healthchecks[{index}]: {reason}"
                ))
            })?;
            by_kind.insert(key, rules);
        }
        Ok(Self { by_kind })
    }

    /// Is there a rule for this kind? If so, it stands instead of all others but that for Jobs.
    pub fn covers(&self, group: &str, kind: &str) -> bool {
        self.rules(group, kind).is_some()
    }

    /// What the rules for its kind say of an object; none without a rule. An error means that the
    /// health is unknown.
    pub fn judge(&self, object: &Value) -> Option<Result<Verdict, Error>> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let group = text("apiVersion")
            .split_once('/')
            .map_or("", |(group, _)| group);
        self.rules(group, text("kind"))
            .map(|rules| rules.judge(object))
    }

    fn rules(&self, group: &str, kind: &str) -> Option<&Rules> {
        let find = |kind: &str| self.by_kind.get(&(group.to_owned(), kind.to_owned()));
        find(kind).or_else(|| find(""))
    }
}

impl Rules {
    fn compile(entry: &HealthRules<'_>) -> Result<Self, String> {
        if entry.current.is_empty() {
            return Err("expression Current not specified".to_owned());
        }
        let parse = |name: &str, text: &str| {
            Expression::parse(text)
                .map_err(|error| format!("failed to parse the expression {name}: {error}"))
        };
        let optional = |name: &str, text: Option<&str>| {
            text.filter(|text| !text.is_empty())
                .map(|text| parse(name, text))
                .transpose()
        };
        Ok(Self {
            current: parse("Current", entry.current)?,
            failed: optional("Failed", entry.failed)?,
            in_progress: optional("InProgress", entry.in_progress)?,
        })
    }

    /// An older observed generation is in progress whatever the expressions say; then they are asked
    /// in this order (fluxcd/pkg, `runtime/cel/status_evaluator.go`).
    fn judge(&self, object: &Value) -> Result<Verdict, Error> {
        let integer = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
        if let (Some(observed), Some(generation)) = (
            integer("/status/observedGeneration"),
            integer("/metadata/generation"),
        ) && observed != generation
        {
            return Ok(Verdict::InProgress);
        }
        let rules = [
            (self.in_progress.as_ref(), Verdict::InProgress),
            (self.failed.as_ref(), Verdict::Failed),
            (Some(&self.current), Verdict::Current),
        ];
        for (expression, verdict) in rules {
            let Some(expression) = expression else {
                continue;
            };
            let fields = object
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.as_str(), value));
            if expression.evaluate(fields)? {
                return Ok(verdict);
            }
        }
        Ok(Verdict::InProgress)
    }
}
