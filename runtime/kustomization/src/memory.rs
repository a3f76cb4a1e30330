use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use tidegate_apply::Applied;
use tidegate_kube::Key;
use tidegate_values::ObjectRef;
use tokio::sync::mpsc;

/// What is remembered of each Kustomization's last apply. Losing it costs reads, nothing else.
pub(crate) struct Memories {
    kept: Mutex<HashMap<Key, Memory>>,
    /// Whose objects are being written at this moment: what is heard of them may be our own doing.
    writing: Mutex<HashSet<Key>>,
    /// What the last health check that passed saw.
    healthy: Mutex<HashMap<Key, Arc<Healthy>>>,
    written: mpsc::UnboundedSender<Key>,
}

/// Ends the time of writing, however the apply ended.
pub(crate) struct Writing<'a> {
    memories: &'a Memories,
    key: &'a Key,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.memories.writing.lock().remove(self.key);
        // Nobody listens where drift is not watched for.
        let _ = self.memories.written.send(self.key.clone());
    }
}

/// What one apply left.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) applied: HashMap<ObjectRef, Applied>,
    /// Who applied: another account may see and do other things.
    pub(crate) account: Option<String>,
    /// When everything was last read.
    pub(crate) read_at: Instant,
    /// Those of the applied that the cluster deletes when they are done. That they are gone is no drift.
    pub(crate) jobs: HashSet<ObjectRef>,
    /// When it was last seen to it that they are there.
    pub(crate) jobs_at: Instant,
}

/// What a health check found to be well.
pub(crate) struct Healthy {
    /// Of the Kustomization: its spec says what is well.
    pub(crate) generation: i64,
    /// The resource version that each object had.
    pub(crate) versions: HashMap<ObjectRef, String>,
}

impl Memories {
    /// The receiver is told whose apply is over.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Key>) {
        let (written, is_written) = mpsc::unbounded_channel();
        (
            Self {
                kept: Mutex::default(),
                writing: Mutex::default(),
                healthy: Mutex::default(),
                written,
            },
            is_written,
        )
    }

    pub(crate) fn start_writing<'a>(&'a self, key: &'a Key) -> Writing<'a> {
        self.writing.lock().insert(key.clone());
        Writing {
            memories: self,
            key,
        }
    }

    pub(crate) fn note_healthy(&self, key: &Key, healthy: Healthy) {
        self.healthy.lock().insert(key.clone(), Arc::new(healthy));
    }

    pub(crate) fn healthy(&self, key: &Key) -> Option<Arc<Healthy>> {
        self.healthy.lock().get(key).cloned()
    }

    pub(crate) fn is_writing(&self, key: &Key) -> bool {
        self.writing.lock().contains(key)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Memory> {
        self.kept.lock().get(key).cloned()
    }

    pub(crate) fn put(&self, key: &Key, memory: Memory) {
        self.kept.lock().insert(key.clone(), memory);
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.kept.lock().remove(key);
        self.healthy.lock().remove(key);
    }

    /// The resource version that the last apply left an object at. `None`: nobody looks at its moves.
    pub(crate) fn version_of(&self, key: &Key, object: &ObjectRef) -> Option<String> {
        self.kept
            .lock()
            .get(key)
            .filter(|memory| !memory.jobs.contains(object))?
            .applied
            .get(object)
            .map(|applied| applied.resource_version.clone())
    }
}
