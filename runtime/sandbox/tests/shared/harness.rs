//! Attacks, with good work beside them.
//!
//! An attack runs on a thread of its own, so that one which never ends fails the test instead of hanging it. While it
//! runs, the same good work is done again and again on another thread, and the process's peak of memory is taken.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// The longest that one round of the good work may take, on whatever machine with whatever else to do.
const ROUND: Duration = Duration::from_secs(10);
/// One round at least in each of these, as long as the attack lasts. With nothing else to do a round takes a hundredth
/// of it.
const PACE: Duration = Duration::from_millis(250);
/// Between rounds: the good work is to be there, not to be an attack itself.
const PAUSE: Duration = Duration::from_millis(1);
/// As the threads have that call plugins.
const STACK: usize = 2 << 20;

/// What an attack may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// It is over by then.
    pub(crate) within: Duration,
    /// Bytes that the process may have at most, at any time, above what it had before the first attack.
    pub(crate) memory: u64,
}

/// Good work, and attacks beside it.
pub(crate) struct Harness {
    stop: Arc<AtomicBool>,
    progress: Arc<Mutex<Progress>>,
    good: Option<JoinHandle<()>>,
    /// Resident bytes before the first attack.
    resident: u64,
}

/// Since the last attack began.
#[derive(Debug, Default)]
struct Progress {
    rounds: u64,
    longest: Duration,
    /// When the round began that is under way.
    began: Option<Instant>,
}

impl Progress {
    fn longest(&self) -> Duration {
        let under_way = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.longest.max(under_way)
    }
}

impl Harness {
    /// Starts the good work: `round` does it once, and panics when what comes out is not the same as ever.
    pub(crate) fn start(mut round: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let progress = Arc::new(Mutex::new(Progress::default()));
        let (stopped, told) = (Arc::clone(&stop), Arc::clone(&progress));
        let good = Builder::new().stack_size(STACK).spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let began = Instant::now();
                lock(&told).began = Some(began);
                round();
                let mut told = lock(&told);
                told.rounds += 1;
                told.longest = told.longest.max(began.elapsed());
                told.began = None;
                drop(told);
                sleep(PAUSE);
            }
        });
        let mut harness = Self {
            stop,
            progress,
            good: Some(good.expect("a thread")),
            resident: 0,
        };
        // What the first round of all allocates is there before the first attack.
        harness.round("nothing");
        harness.resident = resident();
        harness
    }

    /// Runs `attack`, which must keep to `bounds` while the good work goes on, and gives what came of it.
    pub(crate) fn attack<T: Send + 'static>(
        &self,
        name: &str,
        bounds: Bounds,
        attack: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        reset_peak();
        {
            let mut progress = lock(&self.progress);
            (progress.rounds, progress.longest) = (0, Duration::ZERO);
        }
        let began = Instant::now();
        let (done, over) = channel();
        let attack = Builder::new().stack_size(STACK).spawn(move || {
            // Nobody listens any more when it is late.
            let _ = done.send(attack());
        });
        let attack = attack.expect("a thread");
        let result = over.recv_timeout(bounds.within);
        let took = began.elapsed();
        let (rounds, longest) = {
            let progress = lock(&self.progress);
            (progress.rounds, progress.longest())
        };
        let grown = peak().saturating_sub(self.resident);
        let result = match result {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{name}: not over after {took:?}; {rounds} good rounds beside it")
            }
            Err(RecvTimeoutError::Disconnected) => match attack.join() {
                Ok(()) => panic!("{name}: it ended without an end"),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        };
        attack.join().expect("it has ended");
        assert!(
            grown <= bounds.memory,
            "{name}: {} MiB more at its peak, {} at most",
            grown >> 20,
            bounds.memory >> 20
        );
        assert!(longest <= ROUND, "{name}: a good round took {longest:?}");
        let expected = took.as_millis() / PACE.as_millis();
        assert!(
            u128::from(rounds) >= expected,
            "{name}: {rounds} good rounds in {took:?}, {expected} expected"
        );
        self.round(name);
        result
    }

    /// Waits for a round that is begun now: the good work is alive and right.
    fn round(&self, after: &str) {
        let good = self.good.as_ref().expect("it runs");
        let deadline = Instant::now() + ROUND;
        // The first may have begun before.
        let enough = lock(&self.progress).rounds + 2;
        while lock(&self.progress).rounds < enough {
            assert!(!good.is_finished(), "after {after}: the good work failed");
            assert!(
                Instant::now() < deadline,
                "after {after}: the good work stands still"
            );
            sleep(PAUSE);
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // What hangs is left behind: the test has failed already.
        if std::thread::panicking() {
            return;
        }
        let good = self.good.take().expect("it ran");
        let deadline = Instant::now() + ROUND;
        while !good.is_finished() {
            assert!(Instant::now() < deadline, "the good work stands still");
            sleep(PAUSE);
        }
        good.join().expect("the good work failed");
    }
}

fn lock(progress: &Mutex<Progress>) -> std::sync::MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most that was resident since [`reset_peak`], in bytes.
fn peak() -> u64 {
    status("VmHWM:")
}

fn resident() -> u64 {
    status("VmRSS:")
}

fn status(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * number
        .and_then(|number| number.parse::<u64>().ok())
        .expect("a number of kB")
}

/// proc(5): writing 5 to `clear_refs` sets the peak to what is resident now.
fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("the peak of memory can be reset");
}
