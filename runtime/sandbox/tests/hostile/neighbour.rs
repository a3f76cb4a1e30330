//! A good plugin that runs all the while.

use crate::component;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use tidegate_sandbox::{Call, Sandbox};

const TEXT: &str = "kind: ConfigMap";

pub(crate) struct Neighbour {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    /// Starts it, in the tenant class of the same sandbox.
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        let plugin = sandbox.load(&component::good(TEXT)).expect("a good plugin");
        let stop = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(AtomicU64::new(0));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let report = plugin.render(Call::default());
                assert_eq!(report.outcome, Ok(()));
                assert_eq!(report.emissions.len(), 1);
                assert_eq!(report.emissions[0].bytes, TEXT.as_bytes());
                counted.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        Self {
            stop,
            rounds,
            thread: Some(thread),
        }
    }

    pub(crate) fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::SeqCst)
    }

    /// Waits until it has made one more round: it is alive and right.
    pub(crate) fn check(&self) {
        let before = self.rounds();
        let thread = self.thread.as_ref().expect("it runs");
        while self.rounds() == before {
            assert!(!thread.is_finished(), "the good plugin failed");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.expect("it ran").expect("the good plugin failed");
        }
    }
}
