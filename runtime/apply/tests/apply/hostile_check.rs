//! A drift check that fails, or says what is not so: an apply fails with a named error before anything is sent, or does
//! what the check may decide, which is whether an object is sent and what of it is left as it is. It decides nothing
//! else, and harms no later apply.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tidegate_values::{Comparison, DriftCheck, DriftCheckError, Judgement, Upkeep, Verdict};

use crate::bench::Bench;

type Answer = Result<Vec<Judgement>, DriftCheckError>;

/// Answers with what it was given, whatever it is asked.
struct Scripted {
    answer: fn(&Comparison) -> Answer,
    calls: AtomicUsize,
}

impl DriftCheck for Scripted {
    fn check(&self, comparison: Comparison) -> Answer {
        self.calls.fetch_add(1, Ordering::Relaxed);
        (self.answer)(&comparison)
    }
}

fn all(comparison: &Comparison, verdict: Verdict) -> Vec<Judgement> {
    let judgement = Judgement {
        verdict,
        pointers: Vec::new(),
        left_alone: Vec::new(),
    };
    vec![judgement; comparison.pairs.len()]
}

fn leaving(comparison: &Comparison, pointer: &str, upkeep: Upkeep) -> Vec<Judgement> {
    let mut judgements = all(comparison, Verdict::Drifted);
    for judgement in &mut judgements {
        judgement.left_alone.push((pointer.to_owned(), upkeep));
    }
    judgements
}

/// What a check does, how it answers, and the error of the apply.
type Failing = (&'static str, fn(&Comparison) -> Answer, &'static str);

const FAILURES: &[Failing] = &[
    (
        "crashes",
        |_| Err(DriftCheckError::Failed("plugin `drift` crashed".to_owned())),
        "plugin `drift` crashed",
    ),
    (
        "panics",
        |_| panic!("the check is broken"),
        "panicked with message \"the check is broken\"",
    ),
    (
        "judges nothing",
        |_| Ok(Vec::new()),
        "0 of 2 objects were judged",
    ),
    (
        "judges one",
        |comparison| Ok(all(comparison, Verdict::Same).split_off(1)),
        "1 of 2 objects were judged",
    ),
    (
        "judges more than there are",
        |comparison| {
            let mut judgements = all(comparison, Verdict::Drifted);
            judgements.extend(all(comparison, Verdict::Drifted));
            Ok(judgements)
        },
        "4 of 2 objects were judged",
    ),
    (
        "names no pointer",
        |comparison| Ok(leaving(comparison, "not a pointer", Upkeep::Adopt)),
        "JSON pointer must be empty or start with a \"/\": 'not a pointer'",
    ),
    (
        "takes the object's name",
        |comparison| Ok(leaving(comparison, "/metadata/name", Upkeep::Release)),
        "what names an object can't be left alone: '/metadata/name'",
    ),
    (
        "takes the whole object",
        |comparison| Ok(leaving(comparison, "/metadata", Upkeep::Release)),
        "what names an object can't be left alone: '/metadata'",
    ),
];

/// Two objects that were applied, one of them edited by somebody, and both to be looked at.
async fn edited(namespace: &str) -> (Bench, Vec<Value>) {
    let mut bench = Bench::new(namespace).await;
    let data = json!({"k": "1", "l": "1"});
    let wanted = vec![bench.config_map("a", &data), bench.config_map("b", &data)];
    bench.apply(wanted.clone()).await;
    let theirs = json!({"data": {"k": "hand", "l": "hand"}});
    bench.edit("a", "somebody", &theirs).await;
    bench.count();
    (bench, wanted)
}

/// The next apply hears of both, and is judged by `answer`.
fn script(bench: &mut Bench, answer: fn(&Comparison) -> Answer) -> Arc<Scripted> {
    let check = Arc::new(Scripted {
        answer,
        calls: AtomicUsize::new(0),
    });
    bench.settings.drift_check = check.clone();
    bench.previous.moved = bench.previous.known.keys().cloned().collect();
    check
}

#[tokio::test]
async fn a_check_that_fails_sends_nothing_and_loses_nothing() {
    let (mut bench, wanted) = edited("hostile-check-fails").await;
    let inventory = bench.previous.inventory.clone();
    for (name, answer, expected) in FAILURES {
        let check = script(&mut bench, *answer);
        let before = (bench.live("a").await, bench.live("b").await);
        bench.count();
        let outcome = bench.apply(wanted.clone()).await;
        let message = outcome.failure_message().expect("it failed");
        assert!(
            message.starts_with("drift check failed: "),
            "{name}: {message}"
        );
        assert!(message.contains(expected), "{name}: {message}");
        assert!(message.len() < 400, "{name}: {message}");
        assert_eq!(
            bench.count(),
            4,
            "{name}: each was read and tried, nothing sent"
        );
        assert_eq!(check.calls.load(Ordering::Relaxed), 1, "{name}");
        assert_eq!((bench.live("a").await, bench.live("b").await), before);
        assert_eq!(bench.previous.inventory, inventory, "{name}");
        bench.count();
    }
    // A good check finds everything as it should be found.
    bench.settings.drift_check = bench.check.clone();
    bench.previous.moved = bench.previous.known.keys().cloned().collect();
    let log = bench.log(wanted).await;
    assert_eq!(log, "ConfigMap/hostile-check-fails/a configured");
    assert_eq!(bench.live("a").await["data"], json!({"k": "1", "l": "1"}));
}

#[tokio::test]
async fn a_check_that_lies_decides_no_more_than_it_may() {
    let (mut bench, wanted) = edited("hostile-check-lies").await;
    // All is well: nothing is sent, and the edit stays until somebody looks again.
    script(&mut bench, |comparison| Ok(all(comparison, Verdict::Same)));
    assert_eq!(bench.log(wanted.clone()).await, "");
    assert_eq!(bench.live("a").await["data"]["k"], "hand");

    // All has drifted: an apply that changes nothing harms nobody.
    script(&mut bench, |comparison| {
        Ok(all(comparison, Verdict::Drifted))
    });
    let before = bench.live("b").await;
    let log = bench.log(wanted.clone()).await;
    assert_eq!(log, "ConfigMap/hostile-check-lies/a configured");
    assert_eq!(bench.live("b").await, before);

    // What it leaves alone is taken from the live object: no value is its own.
    let theirs = json!({"data": {"k": "hand", "l": "hand"}});
    bench.edit("a", "somebody", &theirs).await;
    script(&mut bench, |comparison| {
        Ok(leaving(comparison, "/data/k", Upkeep::Adopt))
    });
    bench.log(wanted.clone()).await;
    let live = bench.live("a").await;
    assert_eq!(live["data"], json!({"k": "hand", "l": "1"}));

    // The next good check mends what was left.
    bench.settings.drift_check = bench.check.clone();
    bench.forget();
    bench.log(wanted).await;
    assert_eq!(bench.live("a").await["data"], json!({"k": "1", "l": "1"}));
}
