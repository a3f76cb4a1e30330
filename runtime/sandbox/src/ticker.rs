//! Moves the engines' epochs on while guests run, and sleeps while none does.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wasmtime::EngineWeak;

/// How late a deadline or a cancellation can be noticed.
pub(crate) const TICK: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    started: AtomicBool,
}

#[derive(Default)]
struct State {
    engines: Vec<EngineWeak>,
    running: usize,
    closed: bool,
}

/// Owns the thread, which is started with the first call.
#[derive(Default)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

/// A guest runs as long as this lives.
pub(crate) struct Running {
    shared: Arc<Shared>,
}

impl Ticker {
    pub(crate) fn add(&self, engine: &wasmtime::Engine) {
        self.shared.state.lock().engines.push(engine.weak());
    }

    /// Marks a guest as running.
    pub(crate) fn run(&self) -> std::io::Result<Running> {
        if !self.shared.started.swap(true, Ordering::SeqCst) {
            let shared = Arc::clone(&self.shared);
            let started = std::thread::Builder::new()
                .name("plugin-epoch".to_owned())
                .spawn(move || tick(&shared));
            if let Err(error) = started {
                self.shared.started.store(false, Ordering::SeqCst);
                return Err(error);
            }
        }
        let mut state = self.shared.state.lock();
        state.running += 1;
        if state.running == 1 {
            self.shared.work.notify_one();
        }
        Ok(Running {
            shared: Arc::clone(&self.shared),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.state.lock().running -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.work.notify_one();
    }
}

fn tick(shared: &Shared) {
    let mut state = shared.state.lock();
    while !state.closed {
        if state.running == 0 {
            shared.work.wait(&mut state);
            continue;
        }
        shared.work.wait_for(&mut state, TICK);
        state.engines.retain(|engine| match engine.upgrade() {
            Some(engine) => {
                engine.increment_epoch();
                true
            }
            None => false,
        });
    }
}
