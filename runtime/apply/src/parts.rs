//! Parts of one work that go on at the same time, some of them waiting for the cluster.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use futures::{Stream, StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::waiting::{Wait, Waiter};

/// The parts of one work that go on at the same time. While some wait for the cluster, the others go on, and whoever
/// applies is busy; when all wait, so does he.
pub(crate) struct Parts<'a> {
    waiter: &'a dyn Waiter,
    concurrent: usize,
    /// Parts that do not wait for the cluster.
    busy: AtomicUsize,
    /// Those of them whose turn it is: never more than `concurrent`.
    working: AtomicUsize,
    idle: AtomicUsize,
    turns: Notify,
    looks: Semaphore,
}

/// What the next step of parallel parts brought.
enum Step<T> {
    Done(T),
    /// A part began to wait, or ended its wait.
    Turned,
    /// There are no parts any more.
    End,
}

impl<'a> Parts<'a> {
    /// `concurrent`: how many may work at the same time, and how many of those that wait may ask the server.
    pub(crate) fn new(waiter: &'a dyn Waiter, concurrent: usize) -> Self {
        let concurrent = concurrent.max(1);
        Self {
            waiter,
            concurrent,
            busy: AtomicUsize::new(0),
            working: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            turns: Notify::new(),
            looks: Semaphore::new(concurrent),
        }
    }

    /// Waits as whoever applies wants to. Not for one part among others.
    pub(crate) async fn wait<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        let mut work = std::pin::pin!(work);
        let mut done = None;
        let wait: Wait<'_> = Box::pin(async { done = Some(work.as_mut().await) });
        self.waiter.wait(wait).await;
        match done {
            Some(done) => done,
            None => work.await,
        }
    }

    /// Makes each of `works` a part, in their order, and gives their results in it. One that waits for the cluster keeps
    /// no other from its turn. After a result that `stops` nothing more is begun (`None`), and all that was begun is
    /// waited for: an answer that nobody reads would be a change that nobody notes.
    pub(crate) async fn run<W>(
        &self,
        works: impl Iterator<Item = W> + Send,
        stops: impl Fn(&W::Output) -> bool + Send,
    ) -> Vec<Option<W::Output>>
    where
        W: Future + Send,
        W::Output: Send,
    {
        let mut works = works.enumerate().fuse();
        let mut results = Vec::new();
        let mut stopped = false;
        let mut under_way = FuturesUnordered::new();
        loop {
            while !stopped
                && count(&self.busy) < self.concurrent
                && let Some((place, work)) = works.next()
            {
                results.push(None);
                let turn = Turn::new(self);
                under_way.push(async move {
                    let _turn = turn;
                    (place, work.await)
                });
            }
            match self.step(&mut under_way).await {
                Step::Done((place, result)) => {
                    stopped |= stops(&result);
                    results[place] = Some(result);
                }
                Step::Turned => {}
                Step::End => break,
            }
        }
        results.extend(works.map(|_| None));
        results
    }

    /// A part does nothing but wait for the cluster, and goes on when it is its turn again. Whoever is no part just waits.
    pub(crate) async fn idle<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(mut idle) = Idle::new(self) else {
            return work.await;
        };
        let done = work.await;
        idle.end();
        while count(&self.working) >= self.concurrent {
            self.turns.notified().await;
        }
        done
    }

    /// Taken by a part that waits before it asks the server: there may be many of them.
    pub(crate) async fn look(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.looks.acquire().await.ok()
    }

    /// Lets the parts go on until one is done, begins to wait or ends its wait.
    async fn step<S>(&self, parts: &mut S) -> Step<S::Item>
    where
        S: Stream + Unpin + Send,
        S::Item: Send,
    {
        let busy = count(&self.busy);
        let step = poll_fn(|context| match parts.poll_next_unpin(context) {
            Poll::Ready(Some(done)) => Poll::Ready(Step::Done(done)),
            Poll::Ready(None) => Poll::Ready(Step::End),
            Poll::Pending if count(&self.busy) != busy => Poll::Ready(Step::Turned),
            Poll::Pending => Poll::Pending,
        });
        if busy == 0 && count(&self.idle) > 0 {
            self.wait(step).await
        } else {
            step.await
        }
    }

    fn begin_work(&self) {
        self.working.fetch_add(1, Ordering::Relaxed);
    }

    fn end_work(&self) {
        self.working.fetch_sub(1, Ordering::Relaxed);
        self.turns.notify_one();
    }
}

fn count(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed)
}

/// A part that was begun.
struct Turn<'a>(&'a Parts<'a>);

impl<'a> Turn<'a> {
    fn new(parts: &'a Parts<'_>) -> Self {
        parts.busy.fetch_add(1, Ordering::Relaxed);
        parts.begin_work();
        Self(parts)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        self.0.end_work();
    }
}

/// A part that waits for the cluster and then, unless it is given up, for its turn.
struct Idle<'a> {
    parts: &'a Parts<'a>,
    is_over: bool,
}

impl<'a> Idle<'a> {
    /// `None` when there are no parts that could wait.
    fn new(parts: &'a Parts<'_>) -> Option<Self> {
        if count(&parts.working) == 0 {
            return None;
        }
        parts.busy.fetch_sub(1, Ordering::Relaxed);
        parts.idle.fetch_add(1, Ordering::Relaxed);
        parts.end_work();
        Some(Self {
            parts,
            is_over: false,
        })
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.parts.idle.fetch_sub(1, Ordering::Relaxed);
            self.parts.busy.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.end();
        self.parts.begin_work();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiting::IdleWaiter;
    use std::time::Duration;

    /// The most that work at a time, of parts that all wait and are released together.
    async fn most_at_work(released_together: bool) -> usize {
        let parts = Parts::new(&IdleWaiter, 3);
        let released = Notify::new();
        let waiting = AtomicUsize::new(0);
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = async || {
            let now = working.fetch_add(1, Ordering::Relaxed) + 1;
            most.fetch_max(now, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
            working.fetch_sub(1, Ordering::Relaxed);
        };
        let works = (0..20).map(async |index| {
            work().await;
            if released_together {
                parts
                    .idle(async {
                        let all = released.notified();
                        if waiting.fetch_add(1, Ordering::Relaxed) == 19 {
                            released.notify_waiters();
                        } else {
                            all.await;
                        }
                    })
                    .await;
            }
            work().await;
            index
        });
        let results = parts.run(works, |_| false).await;
        let all: Vec<_> = (0..20).map(Some).collect();
        assert_eq!(results, all);
        assert_eq!((count(&parts.busy), count(&parts.working)), (0, 0));
        most.into_inner()
    }

    #[tokio::test]
    async fn parts_that_are_released_together_take_turns() {
        assert_eq!(most_at_work(true).await, 3);
        assert_eq!(most_at_work(false).await, 3);
    }

    #[tokio::test]
    async fn what_was_begun_is_ended_and_no_more_is_begun() {
        let parts = Parts::new(&IdleWaiter, 2);
        let works = (0..4_u64).map(async |index| {
            tokio::time::sleep(Duration::from_millis(10 * (index + 1))).await;
            index
        });
        let results = parts.run(works, |index| *index == 0).await;
        assert_eq!(results, [Some(0), Some(1), None, None]);
    }

    #[tokio::test]
    async fn whoever_is_no_part_just_waits() {
        let parts = Parts::new(&IdleWaiter, 2);
        parts.idle(async {}).await;
        assert_eq!((count(&parts.busy), count(&parts.working)), (0, 0));
    }

    #[tokio::test]
    async fn parts_that_are_given_up_leave_their_place() {
        let parts = Parts::new(&IdleWaiter, 2);
        let works = (0..3).map(|_| parts.idle(std::future::pending::<()>()));
        let time = Duration::from_millis(10);
        tokio::time::timeout(time, parts.run(works, |()| false))
            .await
            .unwrap_err();
        assert_eq!((count(&parts.busy), count(&parts.working)), (0, 0));
        assert_eq!(count(&parts.idle), 0);
    }
}
