//! How well an object is, judged by what the cluster says of it; and whether a set of objects is
//! well, still on its way, or has failed.
//!
//! Pure: objects come in as JSON, time as a value. Reading and watching objects, and waiting, is
//! the caller's business. The rules are kstatus's (fluxcd/cli-utils, `pkg/kstatus`) with Flux's own
//! reader for Jobs (fluxcd/pkg, `runtime/statusreaders`); the set's are those of fluxcd/pkg,
//! `ssa/manager_wait.go`.

mod compute;
mod condition;
mod field;
mod kind;
mod set;
mod status;

pub use compute::{compute, status};
pub use kind::{PodSelection, pod_selection, status_with_pods};
pub use set::{Observation, Progress, failure, may_vanish, progress};
pub use status::{Health, Status};
