//! The harness itself: it finds what it is there to find.

use crate::harness::{Bounds, Harness};
use crate::suite::alone;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const BOUNDS: Bounds = Bounds {
    within: Duration::from_mins(1),
    memory: 32 << 20,
};

fn wait(length: Duration) {
    std::thread::sleep(length);
}

/// What the harness says of an attack beside `round`.
fn verdict(
    bounds: Bounds,
    round: impl FnMut() + Send + 'static,
    attack: impl FnOnce() + Send + 'static,
) -> String {
    let judged = catch_unwind(AssertUnwindSafe(|| {
        Harness::start(round).attack("it", bounds, attack);
    }));
    let Err(panic) = judged else {
        return "well".to_owned();
    };
    *panic.downcast::<String>().expect("words")
}

#[test]
fn what_an_attack_does_is_seen() {
    let _alone = alone();
    assert_eq!(
        verdict(BOUNDS, || {}, || wait(Duration::from_secs(1))),
        "well"
    );

    // Gone again when the attack is over.
    let memory = verdict(
        BOUNDS,
        || {},
        || drop(std::hint::black_box(vec![1u8; 64 << 20])),
    );
    assert!(memory.contains("MiB more at its peak"), "{memory}");

    let ended = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&ended);
    let soon = Bounds {
        within: Duration::from_millis(100),
        ..BOUNDS
    };
    let hang = verdict(
        soon,
        || {},
        move || {
            while !hangs.load(Ordering::SeqCst) {
                wait(Duration::from_millis(1));
            }
        },
    );
    assert!(hang.starts_with("it: not over after "), "{hang}");
    ended.store(true, Ordering::SeqCst);
}

#[test]
fn what_good_work_suffers_is_seen() {
    let _alone = alone();
    // The attack has all of it to itself, and lets go in the end: afterwards all is well.
    let shared = Arc::new(Mutex::new(()));
    let wanted = Arc::clone(&shared);
    let starved = verdict(
        BOUNDS,
        move || drop(wanted.lock()),
        move || {
            let _all = shared.lock();
            wait(Duration::from_secs(2));
        },
    );
    assert!(starved.contains(" good rounds in "), "{starved}");

    // Rounds go wrong while the attack runs.
    let attacked = Arc::new(AtomicBool::new(false));
    let wrong = Arc::clone(&attacked);
    let harmed = verdict(
        BOUNDS,
        move || assert!(!wrong.load(Ordering::SeqCst), "wrong"),
        move || {
            attacked.store(true, Ordering::SeqCst);
            wait(Duration::from_millis(100));
        },
    );
    assert_eq!(harmed, "after it: the good work failed");

    // It never lets go.
    let began = Instant::now();
    let stuck = Arc::new(AtomicBool::new(false));
    let (waits, ends) = (Arc::clone(&stuck), Arc::new(AtomicBool::new(false)));
    let over = Arc::clone(&ends);
    let still = verdict(
        BOUNDS,
        move || {
            while waits.load(Ordering::SeqCst) && !over.load(Ordering::SeqCst) {
                wait(Duration::from_millis(1));
            }
        },
        move || stuck.store(true, Ordering::SeqCst),
    );
    assert_eq!(still, "after it: the good work stands still");
    assert!(began.elapsed() < Duration::from_mins(1));
    ends.store(true, Ordering::SeqCst);
}
