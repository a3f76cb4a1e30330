//! Who moves our objects again and again, and when we stand back.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;
use tidegate_kube::Key;
use tidegate_values::ObjectRef;

/// So many repairs of one object within [`WITHIN`] are taken for a fight with somebody.
const REPAIRS: usize = 3;
/// So many moves of one object within [`WITHIN`] that called for a look: more of them cost more than they are worth.
const LOOKS: usize = 10;
const WITHIN: Duration = Duration::from_mins(1);
/// The first pause. It doubles, up to the interval of the owner, and ends when twice as long was quiet.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause of an owner that has no interval.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How often each object was moved and put right of late.
#[derive(Default)]
pub(crate) struct Repairs(HashMap<Key, Owner>);

#[derive(Default)]
struct Owner {
    /// The objects that it was asked to look at, and did not come to since: it may fail on the way there, and does not get
    /// there sooner by being asked again.
    asked: BTreeSet<ObjectRef>,
    objects: HashMap<ObjectRef, Past>,
}

#[derive(Default)]
struct Past {
    repairs: Vec<Instant>,
    looks: Vec<Instant>,
    pause: Option<Duration>,
    /// No look before this.
    until: Option<Instant>,
}

/// What to do about an object that moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    Now,
    /// Its owner is about to look anyhow.
    Asked,
    /// It moves too often: not before this long. Somebody who undoes our repairs is to be told of.
    After {
        pause: Duration,
        is_fight: bool,
    },
    /// A pause is running already.
    Paused,
}

impl Repairs {
    /// Enters that `object`, which belongs to `owner`, was put right.
    pub(crate) fn note(&mut self, owner: &Key, object: &ObjectRef, now: Instant) {
        let past = self.past(owner, object);
        past.forget_old(now);
        past.repairs.push(now);
    }

    /// Decides what to do about an `object` that somebody moved. `interval` is the longest pause.
    pub(crate) fn decide(
        &mut self,
        owner: &Key,
        object: &ObjectRef,
        now: Instant,
        interval: Duration,
    ) -> Repair {
        let past = self.past(owner, object);
        if past.until.is_some_and(|until| now < until) {
            return Repair::Paused;
        }
        past.forget_old(now);
        let goes_on = past.pause.is_some();
        if !goes_on && past.repairs.len() <= REPAIRS && past.looks.len() <= LOOKS {
            return if self.ask(owner, object) {
                Repair::Now
            } else {
                Repair::Asked
            };
        }
        let longest = if interval.is_zero() {
            LONGEST_PAUSE
        } else {
            interval
        };
        let pause = past
            .pause
            .map_or(FIRST_PAUSE, |pause| pause.saturating_mul(2))
            .min(longest);
        past.pause = Some(pause);
        past.until = Some(now + pause);
        Repair::After {
            pause,
            is_fight: past.repairs.len() > REPAIRS || (goes_on && !past.repairs.is_empty()),
        }
    }

    /// Enters that `owner` is to look at an object. Is it to look at none yet?
    pub(crate) fn ask(&mut self, owner: &Key, object: &ObjectRef) -> bool {
        let asked = &mut self.0.entry(owner.clone()).or_default().asked;
        let is_first = asked.is_empty();
        asked.insert(object.clone());
        is_first
    }

    /// Enters that `owner` looks at its objects: what moved until now is seen.
    pub(crate) fn looks(&mut self, owner: &Key, now: Instant) {
        let Some(known) = self.0.get_mut(owner) else {
            return;
        };
        for object in std::mem::take(&mut known.asked) {
            known.objects.entry(object).or_default().looks.push(now);
        }
    }

    /// Forgets the objects of an owner that are not its any more, and those that were quiet for long.
    pub(crate) fn keep(&mut self, owner: &Key, now: Instant, is_its: impl Fn(&ObjectRef) -> bool) {
        let Some(owner) = self.0.get_mut(owner) else {
            return;
        };
        owner.objects.retain(|object, past| {
            past.forget_old(now);
            is_its(object) && !past.is_quiet()
        });
    }

    /// Forgets an owner that is gone.
    pub(crate) fn forget(&mut self, owner: &Key) {
        self.0.remove(owner);
    }

    fn past(&mut self, owner: &Key, object: &ObjectRef) -> &mut Past {
        let owner = self.0.entry(owner.clone()).or_default();
        owner.objects.entry(object.clone()).or_default()
    }
}

impl Past {
    fn forget_old(&mut self, now: Instant) {
        let memory = WITHIN.max(self.pause.unwrap_or_default().saturating_mul(2));
        for moments in [&mut self.repairs, &mut self.looks] {
            moments.retain(|at| now.duration_since(*at) < memory);
        }
        if self.repairs.is_empty() && self.looks.is_empty() {
            self.pause = None;
        }
    }

    fn is_quiet(&self) -> bool {
        self.repairs.is_empty() && self.looks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    struct Case {
        repairs: Repairs,
        owner: Key,
        object: ObjectRef,
        start: Instant,
    }

    impl Case {
        fn new() -> Self {
            Self {
                repairs: Repairs::default(),
                owner: Key::new("ns", "app"),
                object: ObjectRef::default(),
                start: tidegate_flow::Clock.instant(),
            }
        }

        fn at(&self, second: u64) -> Instant {
            self.start + Duration::from_secs(second)
        }

        fn decide(&mut self, second: u64) -> Repair {
            let now = self.at(second);
            self.repairs.decide(&self.owner, &self.object, now, HOUR)
        }

        fn look(&mut self, second: u64) {
            let now = self.at(second);
            self.repairs.looks(&self.owner, now);
        }

        fn repair(&mut self, second: u64) {
            self.look(second);
            let now = self.at(second);
            self.repairs.note(&self.owner, &self.object, now);
        }
    }

    fn after(seconds: u64, is_fight: bool) -> Repair {
        Repair::After {
            pause: Duration::from_secs(seconds),
            is_fight,
        }
    }

    #[test]
    fn stands_back_from_a_fight_and_forgets_it_in_time() {
        let mut case = Case::new();
        for second in 0..4 {
            assert_eq!(case.decide(second), Repair::Now);
            case.repair(second);
        }
        assert_eq!(case.decide(5), after(30, true));
        assert_eq!(case.decide(10), Repair::Paused);
        case.repair(36);
        assert_eq!(case.decide(37), after(60, true));
        assert_eq!(case.decide(2000), Repair::Now);
    }

    #[test]
    fn stands_back_from_moves_that_need_no_repair() {
        let mut case = Case::new();
        for second in 0..=10 {
            assert_eq!(case.decide(second), Repair::Now);
            case.look(second);
        }
        assert_eq!(case.decide(11), after(30, false));
        for (second, pause) in [(41, 60), (101, 120), (221, 240), (461, 480)] {
            assert_eq!(case.decide(second - 1), Repair::Paused);
            case.repairs.ask(&case.owner, &case.object);
            case.look(second);
            assert_eq!(case.decide(second), after(pause, false));
        }
        // Now it matters that our repair has to wait.
        case.repair(944);
        assert_eq!(case.decide(945), after(960, true));
    }

    #[test]
    fn the_longest_pause_is_the_interval() {
        let mut case = Case::new();
        for second in 0..4 {
            case.repair(second);
        }
        let now = case.at(4);
        let mut decide = |interval| {
            case.repairs.past(&case.owner, &case.object).until = None;
            case.repairs
                .decide(&case.owner, &case.object, now, interval)
        };
        assert_eq!(decide(Duration::from_secs(5)), after(5, true));
        assert_eq!(decide(Duration::from_secs(7)), after(7, true));
        assert_eq!(decide(Duration::ZERO), after(14, true));
    }

    #[test]
    fn who_does_not_come_to_its_objects_is_not_asked_again() {
        let mut case = Case::new();
        assert_eq!(case.decide(0), Repair::Now);
        for second in 0..100 {
            assert_eq!(case.decide(second), Repair::Asked);
        }
        case.look(100);
        assert_eq!(case.decide(101), Repair::Now);
    }

    #[test]
    fn what_left_the_inventory_or_is_quiet_is_forgotten() {
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
        repairs.keep(&owners[0], now, |object| object.name == "kept");
        let left = |repairs: &Repairs| -> Vec<usize> {
            let each = owners.iter().map(|owner| repairs.0[owner].objects.len());
            each.collect()
        };
        assert_eq!(left(&repairs), [1, 2]);
        repairs.keep(&owners[1], now + WITHIN, |_| true);
        assert_eq!(left(&repairs), [1, 0]);
        repairs.forget(&owners[0]);
        assert!(!repairs.0.contains_key(&owners[0]));
    }
}
