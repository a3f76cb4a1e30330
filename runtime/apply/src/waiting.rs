use std::pin::Pin;

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
