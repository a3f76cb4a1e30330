use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;
use tidegate_kube::Key;
use tidegate_values::ObjectRef;

/// So many repairs of one object within [`WITHIN`] are taken for a fight with somebody.
const MANY: usize = 3;
const WITHIN: Duration = Duration::from_mins(1);
/// The first pause in a fight. It doubles, up to the interval of the owner.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// How often each object was put right of late.
#[derive(Default)]
pub(crate) struct Repairs(HashMap<(Key, ObjectRef), Past>);

#[derive(Default)]
struct Past {
    at: Vec<Instant>,
    pause: Option<Duration>,
    /// No repair before this.
    until: Option<Instant>,
}

/// What to do about an object that moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    Now,
    /// Somebody undoes our repairs: not before this long. To be told.
    After(Duration),
    /// A pause is running already.
    Paused,
}

impl Repairs {
    /// Enters that `object`, which belongs to `owner`, was put right.
    pub(crate) fn note(&mut self, owner: &Key, object: &ObjectRef, now: Instant) {
        let past = self.0.entry((owner.clone(), object.clone())).or_default();
        let memory = WITHIN.max(past.pause.unwrap_or_default() * 2);
        past.at.retain(|at| now.duration_since(*at) < memory);
        if past.at.is_empty() {
            past.pause = None;
        }
        past.at.push(now);
    }

    /// Decides what to do about an `object` that somebody moved. `interval` is the longest pause.
    pub(crate) fn decide(
        &mut self,
        owner: &Key,
        object: &ObjectRef,
        now: Instant,
        interval: Duration,
    ) -> Repair {
        let Some(past) = self.0.get_mut(&(owner.clone(), object.clone())) else {
            return Repair::Now;
        };
        if past.until.is_some_and(|until| now < until) {
            return Repair::Paused;
        }
        let memory = WITHIN.max(past.pause.unwrap_or_default() * 2);
        past.at.retain(|at| now.duration_since(*at) < memory);
        if past.at.len() <= MANY {
            return Repair::Now;
        }
        let pause = past
            .pause
            .map_or(FIRST_PAUSE, |pause| pause * 2)
            .min(interval);
        past.pause = Some(pause);
        past.until = Some(now + pause);
        Repair::After(pause)
    }

    /// Forgets the objects of an owner that are not its any more.
    pub(crate) fn keep(&mut self, owner: &Key, is_its: impl Fn(&ObjectRef) -> bool) {
        self.0
            .retain(|(of, object), _| of != owner || is_its(object));
    }

    /// Forgets an owner that is gone.
    pub(crate) fn forget(&mut self, owner: &Key) {
        self.0.retain(|(of, _), _| of != owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_back_from_a_fight_and_forgets_it_in_time() {
        let mut repairs = Repairs::default();
        let (owner, object) = (Key::new("ns", "app"), ObjectRef::default());
        let start = tidegate_flow::Clock.instant();
        let hour = Duration::from_hours(1);
        let at = |second: u64| start + Duration::from_secs(second);
        for second in 0..4 {
            assert_eq!(
                repairs.decide(&owner, &object, at(second), hour),
                Repair::Now
            );
            repairs.note(&owner, &object, at(second));
        }
        assert_eq!(
            repairs.decide(&owner, &object, at(5), hour),
            Repair::After(Duration::from_secs(30))
        );
        assert_eq!(
            repairs.decide(&owner, &object, at(10), hour),
            Repair::Paused
        );
        repairs.note(&owner, &object, at(36));
        assert_eq!(
            repairs.decide(&owner, &object, at(37), hour),
            Repair::After(Duration::from_mins(1))
        );
        assert_eq!(repairs.decide(&owner, &object, at(2000), hour), Repair::Now);
    }

    #[test]
    fn what_left_the_inventory_is_forgotten() {
        let mut repairs = Repairs::default();
        let now = tidegate_flow::Clock.instant();
        let owners = [Key::new("ns", "app"), Key::new("ns", "other")];
        let objects = ["kept", "pruned"].map(|name| ObjectRef {
            name: name.to_owned(),
            ..ObjectRef::default()
        });
        for owner in &owners {
            for object in &objects {
                repairs.note(owner, object, now);
            }
        }
        repairs.keep(&owners[0], |object| object.name == "kept");
        let mut left: Vec<_> = repairs.0.into_keys().collect();
        left.sort_by_key(|(owner, object)| (owner.name.clone(), object.name.clone()));
        let [kept, pruned] = objects;
        let [app, other] = owners;
        let wanted = [(app, kept.clone()), (other.clone(), kept), (other, pruned)];
        assert_eq!(left, wanted);
    }
}
