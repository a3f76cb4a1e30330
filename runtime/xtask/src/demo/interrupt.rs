//! Ctrl-C and SIGTERM: the first asks the demo to clean up and end, the second ends it at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::step;

/// What a shell shows for a process that SIGINT ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// The demo was asked to end: no failure to be explained.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Whether the demo was asked to end.
#[derive(Clone)]
pub(super) struct Interrupt {
    asked: Arc<AtomicBool>,
    left: Arc<Mutex<String>>,
}

impl Interrupt {
    /// From now on a signal is an answer to [`Interrupt::is_asked`], and only the second one ends the process.
    pub(super) fn watch() -> anyhow::Result<Interrupt> {
        let interrupt = Interrupt {
            asked: Arc::new(AtomicBool::new(false)),
            left: Arc::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let watching = interrupt.clone();
        let (registered, is_registered) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(watching.wait(&registered)))?;
        is_registered
            .recv()
            .context("the thread for signals ended")??;
        Ok(interrupt)
    }

    async fn wait(&self, registered: &std::sync::mpsc::Sender<std::io::Result<()>>) {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let (mut interrupt, mut terminate, mut hangup) = match kinds.map(signal) {
            [Ok(interrupt), Ok(terminate), Ok(hangup)] => (interrupt, terminate, hangup),
            [first, second, third] => {
                let failed = first.and(second).and(third).map(drop);
                let _ = registered.send(failed);
                return;
            }
        };
        let _ = registered.send(Ok(()));
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if self.asked.swap(true, Ordering::Relaxed) {
                self.end();
            }
            step::begin("stopping: taking the demo down; Ctrl-C again ends at once");
        }
    }

    /// Nobody is left to return to: the demo itself may hang.
    fn end(&self) -> ! {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        step::note(&left);
        std::process::exit(i32::from(EXIT_CODE));
    }

    /// What to tell of an end at once: what is left, and how to remove it.
    pub(super) fn leaves(&self, text: String) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Fails once the demo was asked to end.
    pub(super) fn check(&self) -> Result<(), Interrupted> {
        if self.is_asked() {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }
}
