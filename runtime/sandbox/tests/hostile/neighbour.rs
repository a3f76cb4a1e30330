//! Good plugins that run all the while.

use crate::component;
use crate::harness::Harness;
use std::sync::Arc;
use tidegate_sandbox::{Call, PluginPre, Sandbox};

const TEXT: &str = "kind: ConfigMap";

/// The good plugin as a built-in: with it in the sandbox's folder, [`beside`] runs it too.
pub(crate) const BUILTIN: &str = "good";

pub(crate) fn wasm() -> Vec<u8> {
    component::good(TEXT)
}

/// A harness whose good work is done by plugins of `sandbox`: one of a tenant, and the built-in where there is one. They
/// share turns, engines and the pool with whatever attacks.
pub(crate) fn beside(sandbox: &Sandbox) -> Harness {
    let mut plugins = vec![sandbox.load(&wasm()).expect("a good plugin")];
    plugins.extend(sandbox.builtin(BUILTIN));
    Harness::start(move || {
        for plugin in &plugins {
            run(plugin);
        }
    })
}

fn run(plugin: &Arc<PluginPre>) {
    let report = plugin.render(Call::default());
    assert_eq!(report.outcome, Ok(()));
    assert_eq!(report.emissions.len(), 1);
    assert_eq!(report.emissions[0].bytes, TEXT.as_bytes());
}
