//! The loop that every kind runs through: trigger, resolve, plan, act, report, commit.
//!
//! A kind says what to do; this crate says when, how many at once, what happens after a failure, and is the only
//! place that writes an object's status and finalizers. It knows no kind.

mod announcer;
mod clock;
mod controller;
mod draft;
mod interrupts;
mod kind;
mod next;
mod queue;
mod reconcile;
mod run;
mod stop;
#[cfg(test)]
mod tests;
mod workers;

pub use announcer::Announcer;
pub use clock::Clock;
pub use controller::Controller;
pub use controller::Setup;
pub use draft::Draft;
pub use draft::add_finalizer;
pub use draft::has_finalizer;
pub use draft::status_value;
pub use kind::Finalizer;
pub use kind::Kind;
pub use kind::Report;
pub use next::Backoff;
pub use next::Next;
pub use queue::Flow;
pub use queue::Options;
pub use queue::Pending;
pub use reconcile::Ended;
pub use reconcile::Observe;
pub use run::Interrupted;
pub use run::Run;
pub use run::Trigger;
pub use stop::StopOnDrop;
pub use workers::Load;
pub use workers::Workers;
