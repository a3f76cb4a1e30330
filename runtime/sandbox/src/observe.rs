use crate::call::Usage;
use crate::error::{Error, Failure};
use crate::limits::Class;
use crate::plugin::PluginPre;
use std::time::Duration;

/// Hears of every plugin that is loaded and of every call: metrics. It is told on the caller's thread, so it must be
/// quick.
pub trait Observe: Send + Sync + 'static {
    /// A plugin was made ready in this time, or refused.
    fn loaded(&self, name: &str, class: Class, took: Duration, result: Result<(), &Error>);
    /// An instance is about to be made for a call of `export`.
    fn began(&self, plugin: &PluginPre, export: &'static str);
    /// The call is over and its instance gone.
    fn ended(&self, plugin: &PluginPre, export: &'static str, ended: &Ended<'_>);
    /// A call was answered with a kept result: no instance was made.
    fn reused(&self, plugin: &PluginPre, export: &'static str);
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// `None`: it went well.
    pub failure: Option<&'a Failure>,
    pub usage: &'a Usage,
}

/// Nobody wants to hear.
pub(crate) struct Unheard;

impl Observe for Unheard {
    fn loaded(&self, _: &str, _: Class, _: Duration, _: Result<(), &Error>) {}
    fn began(&self, _: &PluginPre, _: &'static str) {}
    fn ended(&self, _: &PluginPre, _: &'static str, _: &Ended<'_>) {}
    fn reused(&self, _: &PluginPre, _: &'static str) {}
}
