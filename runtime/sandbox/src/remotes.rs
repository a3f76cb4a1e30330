//! What one call opens of remote sources: each once, waited for no longer than the call may, and given up with it.

use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tidegate_values::{RemoteError, RemoteSource, Tree};

type Opened = Result<(Arc<dyn Tree>, String), RemoteError>;

/// The remote source of a call, for its trace and for its guest.
pub(crate) struct Remotes {
    source: Arc<dyn RemoteSource>,
    longest: Duration,
    cancel: Arc<AtomicBool>,
    waited: Mutex<Duration>,
    /// A remote base does not change during a call either.
    opened: Mutex<BTreeMap<Arc<str>, Opened>>,
}

impl Remotes {
    /// Waits for `source` no longer than `longest`, all answers together, and not after `cancel` is set.
    pub(crate) fn new(
        source: Arc<dyn RemoteSource>,
        longest: Duration,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Self {
        Self {
            source,
            longest,
            cancel: cancel.cloned().unwrap_or_default(),
            waited: Mutex::default(),
            opened: Mutex::default(),
        }
    }

    /// Was all the time used that there is for waiting?
    pub(crate) fn is_exhausted(&self) -> bool {
        *self.waited.lock() >= self.longest
    }

    fn wait<T>(
        &self,
        ask: impl FnOnce(&dyn RemoteSource) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let left = self.longest.saturating_sub(*self.waited.lock());
        if left.is_zero() {
            return Err(RemoteError::Unavailable(
                "remote sources took all the time that there is for them".to_owned(),
            ));
        }
        let began = Instant::now();
        let bounded = self.source.bounded(left, &self.cancel);
        let answer = ask(bounded.as_deref().unwrap_or(&*self.source));
        *self.waited.lock() += began.elapsed();
        answer
    }
}

/// What it takes in memory to know what a locator opens, in bytes: two places in a map that is at least half full, and
/// the answer's text. The locator itself is the trace's.
pub(crate) fn weight(opened: &Opened) -> usize {
    let text = match opened {
        Ok((_, text)) | Err(RemoteError::NotFound(text)) => text.len(),
        Err(_) => 0,
    };
    2 * size_of::<(Arc<str>, Opened)>() + text
}

impl Remotes {
    /// As [`RemoteSource::open`], for a locator that the trace keeps too.
    pub(crate) fn open_once(&self, locator: &Arc<str>) -> Opened {
        if let Some(opened) = self.opened.lock().get(locator) {
            return opened.clone();
        }
        let opened = self.wait(|source| source.open(locator));
        if !matches!(opened, Err(RemoteError::Unavailable(_))) {
            let mut known = self.opened.lock();
            known.insert(Arc::clone(locator), opened.clone());
        }
        opened
    }
}

impl RemoteSource for Remotes {
    fn open(&self, locator: &str) -> Opened {
        self.open_once(&locator.into())
    }

    fn read(&self, url: &str) -> Result<Bytes, RemoteError> {
        self.wait(|source| source.read(url))
    }
}
