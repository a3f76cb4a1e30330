use std::{
    future::poll_fn,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    time::Duration,
};

use futures::{Stream, StreamExt as _};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

/// How long discovery, and the paths that it names, may lag behind a definition.
pub(crate) const LAG: Duration = Duration::from_secs(10);

/// A part of the work that waits for the cluster, and is done when that is.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Says what becomes of whoever applies while nothing is done but to wait for the cluster: for stages that are to become
/// ready, objects that are to go before they are made anew, definitions that are to be served.
pub trait Waiter: Send + Sync {
    /// Done when `wait` is, or later.
    fn wait<'a>(&'a self, wait: Wait<'a>) -> Wait<'a>;
}

/// Does nothing meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct IdleWaiter;

impl Waiter for IdleWaiter {
    fn wait<'a>(&'a self, wait: Wait<'a>) -> Wait<'a> {
        wait
    }
}

/// The parts of one work that go on at the same time. While some wait for the cluster, the others go on, and whoever
/// applies is busy; when all wait, so does he.
pub(crate) struct Parts<'a> {
    waiter: &'a dyn Waiter,
    busy: AtomicUsize,
    idle: AtomicUsize,
    looks: Semaphore,
}

/// What the next step of parallel parts brought.
pub(crate) enum Step<T> {
    Done(T),
    /// A part began to wait, or ended its wait.
    Turned,
    /// There are no parts any more.
    End,
}

impl<'a> Parts<'a> {
    /// `concurrent`: how many of those that wait may ask the server at the same time.
    pub(crate) fn new(waiter: &'a dyn Waiter, concurrent: usize) -> Self {
        Self {
            waiter,
            busy: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            looks: Semaphore::new(concurrent.max(1)),
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

    /// Makes `work` one of the parts: it counts as busy from now on.
    pub(crate) fn part<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        let busy = Counted::new(&self.busy);
        async move {
            let _busy = busy;
            work.await
        }
    }

    /// A part does nothing but wait for the cluster.
    pub(crate) async fn idle<T>(&self, work: impl Future<Output = T>) -> T {
        let _idle = Idle::new(self);
        work.await
    }

    /// Taken by a part that waits before it asks the server: there may be many of them.
    pub(crate) async fn look(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.looks.acquire().await.ok()
    }

    /// How many parts do not wait.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// Lets the parts of `parts` go on until one is done, begins to wait or ends its wait.
    pub(crate) async fn step<S>(&self, parts: &mut S) -> Step<S::Item>
    where
        S: Stream + Unpin + Send,
        S::Item: Send,
    {
        let busy = self.busy();
        let step = poll_fn(|context| match parts.poll_next_unpin(context) {
            Poll::Ready(Some(done)) => Poll::Ready(Step::Done(done)),
            Poll::Ready(None) => Poll::Ready(Step::End),
            Poll::Pending if self.busy() != busy => Poll::Ready(Step::Turned),
            Poll::Pending => Poll::Pending,
        });
        if busy == 0 && self.idle.load(Ordering::Relaxed) > 0 {
            self.wait(step).await
        } else {
            step.await
        }
    }

    /// The next result of parts that begin by themselves.
    pub(crate) async fn next<S>(&self, parts: &mut S) -> Option<S::Item>
    where
        S: Stream + Unpin + Send,
        S::Item: Send,
    {
        loop {
            match self.step(parts).await {
                Step::Done(done) => return Some(done),
                Step::Turned => {}
                Step::End => return None,
            }
        }
    }
}

struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Idle<'a> {
    busy: &'a AtomicUsize,
    _idle: Counted<'a>,
}

impl<'a> Idle<'a> {
    fn new(parts: &'a Parts<'_>) -> Self {
        parts.busy.fetch_sub(1, Ordering::Relaxed);
        Self {
            busy: &parts.busy,
            _idle: Counted::new(&parts.idle),
        }
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }
}

/// Pauses between questions, each twice as long as the one before, up to a second.
pub(crate) struct Patience {
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    /// For `time` in all.
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            deadline: Instant::now() + time,
            pause: Duration::from_millis(50),
        }
    }

    /// Is there time for another pause?
    pub(crate) fn is_left(&self) -> bool {
        Instant::now() + self.pause <= self.deadline
    }

    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(1));
    }
}
