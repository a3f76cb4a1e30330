use crate::Time;
use crate::meta::condition::{READY, RECONCILING, STALLED};
use crate::meta::reason::PROGRESSING_WITH_RETRY;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest message that the schema admits, in bytes.
const MAX_MESSAGE_LENGTH: usize = 32_768;
const CUT_MARK: &str = "...";

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Not known (yet); also what any other word is read as.
    #[default]
    #[serde(other)]
    Unknown,
}

impl JsonSchema for ConditionStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConditionStatus".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "enum": ["True", "False", "Unknown"]})
    }
}

impl ConditionStatus {
    /// The word as the API server knows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One thing that is known about the state of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// What this tells about, such as Ready.
    #[serde(rename = "type")]
    #[schemars(extend("maxLength" = 316, "pattern" = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"))]
    pub type_: String,
    /// Whether it holds: True, False or Unknown.
    pub status: ConditionStatus,
    /// Generation of the object that this was found for. When it is older than the object's own generation, the
    /// condition speaks of an earlier spec.
    #[serde(skip_serializing_if = "crate::resource::is_zero")]
    #[schemars(extend("minimum" = 0))]
    pub observed_generation: i64,
    /// When the status, the reason or the message last changed.
    pub last_transition_time: Time,
    /// One word for programs on why the condition is as it is.
    #[schemars(extend("minLength" = 1, "maxLength" = 1024, "pattern" = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// A sentence for people on why the condition is as it is.
    #[schemars(extend("maxLength" = 32768))]
    pub message: String,
}

impl Condition {
    /// A condition whose generation and time are filled in by [`Conditions::set`].
    pub fn new(
        type_: impl Into<String>,
        status: ConditionStatus,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            type_: type_.into(),
            status,
            reason: reason.into(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// The state that makes up a transition: everything but generation and time.
    fn same_state(&self, other: &Self) -> bool {
        self.type_ == other.type_
            && self.status == other.status
            && self.reason == other.reason
            && self.message == other.message
    }

    /// Flux: `lexicographicLess` of pkg/runtime/conditions/setter.go.
    fn sort_key(&self) -> (usize, std::cmp::Reverse<i64>, String) {
        let first = [STALLED, RECONCILING, READY];
        match first.iter().position(|type_| *type_ == self.type_) {
            Some(weight) => (weight, std::cmp::Reverse(0), String::new()),
            None => (
                first.len(),
                std::cmp::Reverse(self.observed_generation),
                self.type_.clone(),
            ),
        }
    }
}

/// The conditions of an object, at most one of each type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Conditions(Vec<Condition>);

impl Conditions {
    /// Puts `condition` in place of the one of its type, as observed for `generation`.
    ///
    /// The transition time stays when status, reason and message are those of before, and is `now` otherwise (a new
    /// condition that brings its own time keeps it). A message over 32768 bytes is cut.
    /// Flux: `Set` of pkg/runtime/conditions/setter.go, its order of types included.
    pub fn set(&mut self, mut condition: Condition, generation: i64, now: Time) {
        condition.observed_generation = generation;
        cut_message(&mut condition.message);
        let existing = self
            .0
            .iter_mut()
            .find(|existing| existing.type_ == condition.type_);
        if let Some(existing) = existing {
            condition.last_transition_time = if existing.same_state(&condition) {
                existing.last_transition_time
            } else {
                now
            };
            *existing = condition;
        } else {
            if condition.last_transition_time == Time::default() {
                condition.last_transition_time = now;
            }
            self.0.push(condition);
        }
        self.0.sort_by_cached_key(Condition::sort_key);
    }

    /// Says of what is under way that it failed and is tried again; what it was stays told.
    pub fn retry(&mut self, generation: i64, now: Time) {
        let message = self.message(RECONCILING).to_owned();
        let condition = Condition::new(
            RECONCILING,
            ConditionStatus::True,
            PROGRESSING_WITH_RETRY,
            message,
        );
        self.set(condition, generation, now);
    }

    /// Takes out the condition of this type. Tells whether there was one.
    pub fn remove(&mut self, type_: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|condition| condition.type_ != type_);
        self.0.len() != before
    }

    /// The condition of this type.
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.type_ == type_)
    }

    /// Whether there is a condition of this type, whatever it says.
    pub fn has(&self, type_: &str) -> bool {
        self.get(type_).is_some()
    }

    /// The status of this type, if the condition is there.
    pub fn status(&self, type_: &str) -> Option<ConditionStatus> {
        self.get(type_).map(|condition| condition.status)
    }

    /// Whether the condition of this type is there and holds.
    pub fn is_true(&self, type_: &str) -> bool {
        self.status(type_) == Some(ConditionStatus::True)
    }

    /// Whether the condition of this type is there and does not hold.
    pub fn is_false(&self, type_: &str) -> bool {
        self.status(type_) == Some(ConditionStatus::False)
    }

    /// The reason of this type, empty when the condition is not there.
    pub fn reason(&self, type_: &str) -> &str {
        self.get(type_).map_or("", |condition| &condition.reason)
    }

    /// The message of this type, empty when the condition is not there.
    pub fn message(&self, type_: &str) -> &str {
        self.get(type_).map_or("", |condition| &condition.message)
    }

    /// All conditions, in the order that they are written in.
    pub fn iter(&self) -> std::slice::Iter<'_, Condition> {
        self.0.iter()
    }

    /// The number of conditions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no condition.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Condition> for Conditions {
    fn from_iter<I: IntoIterator<Item = Condition>>(conditions: I) -> Self {
        Self(conditions.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Conditions {
    type Item = &'a Condition;
    type IntoIter = std::slice::Iter<'a, Condition>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn cut_message(message: &mut String) {
    if message.len() > MAX_MESSAGE_LENGTH {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_LENGTH - CUT_MARK.len()));
        message.push_str(CUT_MARK);
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, ConditionStatus, Conditions};
    use crate::Time;

    fn at(second: i64) -> Time {
        Time::new(jiff::Timestamp::from_second(second).unwrap())
    }

    fn ready(status: ConditionStatus, message: &str) -> Condition {
        Condition::new("Ready", status, "Succeeded", message)
    }

    #[test]
    fn transition_time_follows_status_reason_and_message_only() {
        let mut conditions = Conditions::default();
        conditions.set(ready(ConditionStatus::True, "one"), 1, at(10));
        conditions.set(ready(ConditionStatus::True, "one"), 2, at(20));
        let found = conditions.get("Ready").unwrap();
        assert_eq!(
            (found.observed_generation, found.last_transition_time),
            (2, at(10))
        );
        conditions.set(ready(ConditionStatus::True, "two"), 2, at(30));
        assert_eq!(
            conditions.get("Ready").unwrap().last_transition_time,
            at(30)
        );
        assert_eq!(conditions.len(), 1);
    }

    #[test]
    fn sorts_as_flux_does() {
        let mut conditions = Conditions::default();
        for (type_, generation) in [
            ("Zeta", 2),
            ("Alpha", 1),
            ("Beta", 1),
            ("Ready", 1),
            ("Stalled", 1),
            ("Reconciling", 1),
        ] {
            conditions.set(
                Condition::new(type_, ConditionStatus::True, "R", ""),
                generation,
                at(1),
            );
        }
        let order: Vec<_> = conditions
            .iter()
            .map(|condition| condition.type_.as_str())
            .collect();
        assert_eq!(
            order,
            ["Stalled", "Reconciling", "Ready", "Zeta", "Alpha", "Beta"]
        );
    }

    #[test]
    fn cuts_long_messages_between_characters() {
        let mut conditions = Conditions::default();
        conditions.set(ready(ConditionStatus::True, &"é".repeat(20_000)), 1, at(1));
        let message = conditions.message("Ready");
        assert_eq!(message.len(), 32_767);
        assert!(message.ends_with("é..."));
    }

    #[test]
    fn an_unknown_status_reads_as_unknown() {
        let conditions: Conditions =
            serde_json::from_str(r#"[{"type":"Ready","status":"Maybe"},{"type":"Other"}]"#)
                .unwrap();
        assert_eq!(conditions.status("Ready"), Some(ConditionStatus::Unknown));
        assert!(!conditions.is_true("Other"));
    }

    #[test]
    fn remove_tells_whether_there_was_one() {
        let mut conditions: Conditions = [ready(ConditionStatus::False, "")].into_iter().collect();
        assert!(conditions.remove("Ready"));
        assert!(!conditions.remove("Ready"));
        assert!(conditions.is_empty());
    }
}
