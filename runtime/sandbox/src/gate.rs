//! At most one running guest per core: more would only make each of them slower and run into its deadline.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;

/// Hands out turns, first come first served.
#[derive(Debug)]
pub(crate) struct Gate {
    queue: Mutex<Queue>,
    moved: Condvar,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    next_ticket: u64,
    now_serving: u64,
}

/// The right to run a guest. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Turn {
    gate: Arc<Gate>,
}

/// A place outside the queue, from which a new turn can be asked for.
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Arc<Gate>,
}

impl Gate {
    pub(crate) fn new(turns: usize) -> Arc<Self> {
        let queue = Queue {
            free: turns.max(1),
            next_ticket: 0,
            now_serving: 0,
        };
        Arc::new(Self {
            queue: Mutex::new(queue),
            moved: Condvar::new(),
        })
    }

    /// Waits for a turn.
    pub(crate) fn enter(self: &Arc<Self>) -> Turn {
        let mut queue = self.queue.lock();
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        while queue.free == 0 || queue.now_serving != ticket {
            self.moved.wait(&mut queue);
        }
        queue.free -= 1;
        queue.now_serving += 1;
        drop(queue);
        // The next in the queue may have been waiting for its number rather than for a free place.
        self.moved.notify_all();
        Turn {
            gate: Arc::clone(self),
        }
    }

    /// A turn, if there is one for whoever comes now.
    pub(crate) fn try_enter(self: &Arc<Self>) -> Option<Turn> {
        let mut queue = self.queue.lock();
        if queue.free == 0 || queue.now_serving != queue.next_ticket {
            return None;
        }
        queue.free -= 1;
        queue.next_ticket += 1;
        queue.now_serving += 1;
        Some(Turn {
            gate: Arc::clone(self),
        })
    }
}

impl Turn {
    pub(crate) fn give_back(self) -> Ticket {
        Ticket {
            gate: Arc::clone(&self.gate),
        }
    }
}

impl Ticket {
    pub(crate) fn take_turn(self) -> Turn {
        self.gate.enter()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.gate.queue.lock().free += 1;
        self.gate.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn never_lets_more_in_than_it_has_turns() {
        let gate = Gate::new(2);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let mut turn = gate.enter();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        turn = turn.give_back().take_turn();
                        drop(turn);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
    }
}
