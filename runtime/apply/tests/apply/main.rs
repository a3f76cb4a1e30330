//! The crate against scripted servers (`conversation`), and against a real API server (the others).

#[cfg(test)]
mod bench;
#[cfg(test)]
mod check;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod conversation;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod hostile_check;
#[cfg(test)]
mod migration;
#[cfg(test)]
mod refusals;
