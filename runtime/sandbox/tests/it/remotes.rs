//! Remote sources: who waits for them, for how long, and who does not.

use crate::builtins::{CONFIG_MAP, call, kustomize, sandbox};
use crate::tree::MemoryTree;
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tidegate_sandbox::{Call, Failure, Limits, SandboxConfig};
use tidegate_values::{RemoteError, RemoteSource, Tree};

/// A folder with one base of another host.
fn based() -> Arc<dyn Tree> {
    MemoryTree::of(&[(
        "app/kustomization.yaml",
        "resources:\n- https://host.example/org/repository//base?ref=v1\n",
    )])
    .shared()
}

fn base(text: &str) -> Arc<dyn Tree> {
    MemoryTree::of(&[
        ("base/kustomization.yaml", "resources:\n- settings.yaml\n"),
        ("base/settings.yaml", text),
    ])
    .shared()
}

/// Waits to be let go, or for as long as it is told to.
struct Stalled {
    asked: Mutex<Sender<()>>,
    let_go: Arc<AtomicBool>,
    longest: Duration,
}

impl Stalled {
    fn new() -> (Self, Receiver<()>) {
        let (asked, hears) = channel();
        let stalled = Self {
            asked: Mutex::new(asked),
            let_go: Arc::default(),
            longest: Duration::from_mins(1),
        };
        (stalled, hears)
    }
}

impl RemoteSource for Stalled {
    fn open(&self, _: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        let asked = self.asked.lock().expect("nobody panicked");
        asked.send(()).expect("somebody listens");
        drop(asked);
        let began = Instant::now();
        while !self.let_go.load(Ordering::SeqCst) {
            if began.elapsed() > self.longest {
                return Err(RemoteError::Unavailable("timeout".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok((base(CONFIG_MAP), "base".to_owned()))
    }

    fn read(&self, url: &str) -> Result<Bytes, RemoteError> {
        Err(RemoteError::NotFound(url.to_owned()))
    }

    fn bounded(&self, longest: Duration, stop: &Arc<AtomicBool>) -> Option<Arc<dyn RemoteSource>> {
        Some(Arc::new(Self {
            asked: Mutex::new(self.asked.lock().expect("nobody panicked").clone()),
            let_go: Arc::clone(stop),
            longest: self.longest.min(longest),
        }))
    }
}

#[test]
fn who_waits_for_a_remote_leaves_the_place_to_others() {
    let sandbox = sandbox(SandboxConfig {
        pool: 1,
        running: 1,
        waiting: 1,
        ..SandboxConfig::controller()
    });
    let (plugin, other) = (kustomize(&sandbox), sandbox.builtin("substitute").unwrap());
    let (stalled, asked) = Stalled::new();
    let let_go = Arc::new(AtomicBool::new(false));
    let waiting = Call {
        remote: Some(Arc::new(stalled)),
        // The same flag ends the wait and, too late for that, the call.
        cancel: Some(Arc::clone(&let_go)),
        ..call(based())
    };
    let waiting = std::thread::spawn(move || plugin.render(waiting));
    asked.recv_timeout(Duration::from_secs(30)).unwrap();
    let (done, is_done) = channel();
    let ran = std::thread::spawn(move || done.send(other.transform(Call::default()).outcome));
    let outcome = is_done.recv_timeout(Duration::from_secs(30));
    let_go.store(true, Ordering::SeqCst);
    assert_eq!(outcome, Ok(Ok(())), "it had to wait as well");
    assert!(ran.join().is_ok());
    let cancelled = waiting.join().unwrap().outcome;
    assert_eq!(cancelled.as_ref().map_err(Failure::name), Err("cancelled"));
}

#[test]
fn waiting_for_remotes_has_an_end() {
    let sandbox = sandbox(SandboxConfig::controller());
    let (stalled, _asked) = Stalled::new();
    let limits = Limits {
        waiting: Duration::from_millis(50),
        ..Limits::BUILTIN
    };
    let began = Instant::now();
    let report = kustomize(&sandbox).render(Call {
        remote: Some(Arc::new(stalled)),
        limits: Some(limits),
        ..call(based())
    });
    assert_eq!(
        report.outcome.unwrap_err().to_string(),
        "plugin `kustomize` exceeded the limit `waiting` of 0.05 s"
    );
    assert!(began.elapsed() < Duration::from_secs(30));
    // The time was not the guest's.
    assert!(report.usage.guest_time < began.elapsed().saturating_sub(Duration::from_millis(50)));
}

/// Counts how often it is asked.
struct Counted {
    opened: AtomicUsize,
    base: Mutex<Arc<dyn Tree>>,
}

impl RemoteSource for Counted {
    fn open(&self, _: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let base = self.base.lock().expect("nobody panicked");
        Ok((Arc::clone(&base), "base".to_owned()))
    }

    fn read(&self, url: &str) -> Result<Bytes, RemoteError> {
        Err(RemoteError::NotFound(url.to_owned()))
    }
}

#[test]
fn a_remote_is_opened_once_to_look_for_a_kept_result_and_to_make_another() {
    let sandbox = sandbox(SandboxConfig::controller());
    let counted = Arc::new(Counted {
        opened: AtomicUsize::new(0),
        base: Mutex::new(base(CONFIG_MAP)),
    });
    let render = || {
        let report = kustomize(&sandbox).render(Call {
            remote: Some(Arc::<Counted>::clone(&counted)),
            ..call(based())
        });
        assert_eq!(report.outcome, Ok(()));
        (report.cached, counted.opened.swap(0, Ordering::SeqCst))
    };
    assert_eq!(render(), (false, 1));
    assert_eq!(render(), (true, 1));
    *counted.base.lock().unwrap() = base(&CONFIG_MAP.replace("settings", "others"));
    assert_eq!(render(), (false, 1));
    assert_eq!(render(), (true, 1));
}
