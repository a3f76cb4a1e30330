//! Asks the drift check about objects that were read, all those of a stage at once.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use serde_json::Value;
use tidegate_drift::Pointer;
use tidegate_values::{
    Comparison, DriftCheckError, FieldOwner, Judgement, Pair, Upkeep, Verdict, last_manager,
};

use super::Run;
use crate::{
    apply::{
        send::Plan,
        stage::{Done, Target},
    },
    change::Action,
    error::Error,
};

/// Pairs of one call: a larger stage is asked about in parts, so that the memory of a plugin is bounded.
const BATCH: usize = 500;

/// `kubectl apply` keeps the whole manifest here, values of Secrets included.
const LAST_APPLIED: &str =
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// An object that is there: whether it is to be sent is for the drift check to say.
pub(super) struct Question {
    pub(super) live: Arc<Value>,
    pub(super) dry_run: Option<Arc<Value>>,
    /// How it is sent if it is.
    pub(super) plan: Plan,
}

/// What the check made of an object.
pub(super) enum Checked {
    Done(Done),
    Send(Plan),
}

impl Run<'_> {
    /// Has the rules of the owner looked at, once and before anything is asked for. Costs nothing without rules.
    pub(super) async fn check_rules(&self) -> Result<(), Error> {
        if !self.has_rules || self.rules_checked.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.call(Vec::new()).await.map(|_| ())
    }

    /// Has objects judged: one answer for each, in their order.
    pub(super) async fn check_drift(
        &self,
        questions: Vec<(&Target, Question)>,
    ) -> Result<Vec<Checked>, Error> {
        let mut checked = Vec::with_capacity(questions.len());
        let mut questions = questions.into_iter().peekable();
        while questions.peek().is_some() {
            let batch: Vec<_> = questions.by_ref().take(BATCH).collect();
            let pairs = batch.iter().map(|(target, asked)| pair(target, asked));
            let judgements = self.call(pairs.collect()).await?;
            if judgements.len() != batch.len() {
                return Err(Error::DriftCheck(format!(
                    "{} of {} objects were judged",
                    judgements.len(),
                    batch.len()
                )));
            }
            for ((target, question), judgement) in batch.into_iter().zip(judgements) {
                checked.push(follow(target, question, &judgement)?);
            }
        }
        Ok(checked)
    }

    async fn call(&self, pairs: Vec<Pair>) -> Result<Vec<Judgement>, Error> {
        let comparison = Comparison {
            tenant: self.tenant.clone(),
            config: self.check_config.clone(),
            pairs,
        };
        let check = Arc::clone(&self.settings.drift_check);
        // What the check logs is about the object that is reconciled.
        let span = tracing::Span::current();
        let judged = move || span.in_scope(|| check.check(comparison));
        let judged = tokio::task::spawn_blocking(judged).await;
        let judged = judged.map_err(|error| Error::DriftCheck(error.to_string()))?;
        judged.map_err(|error| match error {
            DriftCheckError::Configuration(text) => Error::Ignore(text),
            error => Error::DriftCheck(error.to_string()),
        })
    }
}

fn follow(target: &Target, question: Question, judgement: &Judgement) -> Result<Checked, Error> {
    let Question { live, mut plan, .. } = question;
    let must_send = plan.cleanup.is_some() || plan.patched;
    if judgement.verdict != Verdict::Drifted && !must_send {
        return Ok(Checked::Done(Done::of(target, Action::Unchanged, &live)));
    }
    if !judgement.left_alone.is_empty() {
        let mut payload = plan
            .payload
            .take()
            .unwrap_or_else(|| target.object.clone().into_value());
        leave_alone(&mut payload, &live, &judgement.left_alone).map_err(Error::DriftCheck)?;
        plan.payload = Some(payload);
    }
    Ok(Checked::Send(plan))
}

/// Makes what is sent keep fields as they are in `live`. What names the object is not for a drift check to choose.
fn leave_alone(
    payload: &mut Value,
    live: &Value,
    fields: &[(String, Upkeep)],
) -> Result<(), String> {
    let names = |object: &Value| {
        [
            "/apiVersion",
            "/kind",
            "/metadata/name",
            "/metadata/namespace",
        ]
        .map(|pointer| object.pointer(pointer).cloned())
    };
    let before = names(payload);
    for (text, upkeep) in fields {
        let pointer: Pointer = text.parse().map_err(|error| format!("{error}"))?;
        match (upkeep, pointer.find(live)) {
            (Upkeep::Adopt, Some(value)) => pointer.set(payload, value.clone()),
            _ => pointer.remove(payload),
        }
        if names(payload) != before {
            return Err(format!(
                "what names an object can't be left alone: '{text}'"
            ));
        }
    }
    Ok(())
}

fn pair(target: &Target, question: &Question) -> Pair {
    let desired = match &question.plan.payload {
        Some(payload) => payload.clone(),
        None => target.object.clone().into_value(),
    };
    let pair = Pair {
        id: target.reference.clone(),
        desired: Arc::new(desired),
        live: Some(Arc::clone(&question.live)),
        dry_run: question.dry_run.clone(),
        last_manager: manager_of(&question.live),
    };
    if target.object.is_secret() {
        masked(&pair)
    } else {
        pair
    }
}

fn manager_of(live: &Value) -> Option<String> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let owners = entries.iter().map(|entry| {
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        FieldOwner {
            manager: text("manager"),
            subresource: text("subresource"),
            // RFC 3339 in UTC: the order of times is that of their texts.
            time: text("time"),
        }
    });
    last_manager(owners).map(str::to_owned)
}

/// The pair with words in place of a Secret's values: equal for equal values, and telling nothing else of them.
/// Whatever a check says of the object, no value can be in it.
fn masked(pair: &Pair) -> Pair {
    let mut words = Words::default();
    let mut mask = |object: &Arc<Value>| Arc::new(words.mask(object));
    Pair {
        id: pair.id.clone(),
        desired: mask(&pair.desired),
        live: pair.live.as_ref().map(&mut mask),
        dry_run: pair.dry_run.as_ref().map(&mut mask),
        last_manager: pair.last_manager.clone(),
    }
}

/// The words given so far, by the values that they stand for.
#[derive(Default)]
struct Words(HashMap<String, usize>);

impl Words {
    fn mask(&mut self, object: &Value) -> Value {
        let mut object = object.clone();
        for pointer in ["/data", "/stringData"] {
            match object.pointer_mut(pointer) {
                Some(Value::Object(values)) => {
                    values.values_mut().for_each(|value| self.replace(value));
                }
                Some(other) => self.replace(other),
                None => {}
            }
        }
        if let Some(manifest) = object.pointer_mut(LAST_APPLIED) {
            self.replace(manifest);
        }
        object
    }

    /// A missing value stays one: it has no secret.
    fn replace(&mut self, value: &mut Value) {
        if !value.is_null() {
            let next = self.0.len();
            let word = self.0.entry(value.to_string()).or_insert(next);
            *value = Value::String(format!("masked-{word}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_secrets_are_masked_alike() {
        let mut words = Words::default();
        let secret = |value: &str| {
            json!({"kind": "Secret", "data": {"a": value, "b": "same", "none": null}, "stringData": {"c": value},
                "metadata": {"labels": {"l": "1"}, "annotations": {"kubectl.kubernetes.io/last-applied-configuration": value, "n": "1"}}})
        };
        let expected = |word: &str| {
            json!({"kind": "Secret", "data": {"a": word, "b": "masked-1", "none": null}, "stringData": {"c": word},
                "metadata": {"labels": {"l": "1"}, "annotations": {"kubectl.kubernetes.io/last-applied-configuration": word, "n": "1"}}})
        };
        assert_eq!(words.mask(&secret("cGFzcw==")), expected("masked-0"));
        assert_eq!(words.mask(&secret("other")), expected("masked-2"));
        assert_eq!(
            words.mask(&json!({"data": "odd"})),
            json!({"data": "masked-3"})
        );
    }

    #[test]
    fn names_stay() {
        let live = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "namespace": "theirs"}});
        let wanted = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "namespace": "ours"}, "x": 1});
        let check = |pointer: &str, upkeep, refused: Option<&str>| {
            let mut payload = wanted.clone();
            let left = leave_alone(&mut payload, &live, &[(pointer.to_owned(), upkeep)]);
            assert_eq!(left.err().as_deref(), refused, "{pointer}");
        };
        check("/x", Upkeep::Release, None);
        check("/x/deeper", Upkeep::Adopt, None);
        check("/metadata/name", Upkeep::Adopt, None);
        let cannot = |pointer| format!("what names an object can't be left alone: '{pointer}'");
        for pointer in ["/metadata/namespace", "/metadata"] {
            check(pointer, Upkeep::Adopt, Some(&cannot(pointer)));
            check(pointer, Upkeep::Release, Some(&cannot(pointer)));
        }
        check("/kind", Upkeep::Release, Some(&cannot("/kind")));
        check(
            "x",
            Upkeep::Release,
            Some("JSON pointer must be empty or start with a \"/\": 'x'"),
        );
    }
}
