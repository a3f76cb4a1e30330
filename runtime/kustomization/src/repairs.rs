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
    /// Enters a move of `object`, which belongs to `owner`, and decides. `interval` is the longest pause.
    pub(crate) fn decide(
        &mut self,
        owner: &Key,
        object: &ObjectRef,
        now: Instant,
        interval: Duration,
    ) -> Repair {
        let past = self.0.entry((owner.clone(), object.clone())).or_default();
        if past.until.is_some_and(|until| now < until) {
            return Repair::Paused;
        }
        past.at
            .retain(|at| now.duration_since(*at) < WITHIN.max(past.pause.unwrap_or_default() * 2));
        if past.at.is_empty() {
            past.pause = None;
        }
        past.at.push(now);
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
        let mut decide = |second: u64| {
            repairs.decide(&owner, &object, start + Duration::from_secs(second), hour)
        };
        assert_eq!([decide(0), decide(1), decide(2)], [Repair::Now; 3]);
        assert_eq!(decide(3), Repair::After(Duration::from_secs(30)));
        assert_eq!(decide(10), Repair::Paused);
        assert_eq!(decide(34), Repair::After(Duration::from_mins(1)));
        assert_eq!(decide(2000), Repair::Now);
    }
}
