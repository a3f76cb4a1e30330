//! The flags of `kustomize build`.

use crate::cli::pflag::Command;
use crate::cli::pflag::Flag;
use crate::cli::pflag::Parsed;
use crate::engines::Refusal;
use tidegate_kustomization::refusal::UNSUPPORTED;

const EXAMPLES: &str = "  # The current folder
  tidegate kustomize

  # Another folder, into a file
  tidegate kustomize clusters/production -o production.yaml

  # A folder of a Git repository
  tidegate kustomize https://github.com/kubernetes-sigs/kustomize.git/examples/helloWorld?ref=v1.0.6";

pub(super) const COMMAND: Command = Command {
    usage: "tidegate kustomize [build] [DIR] [flags]",
    about: "Build the kustomization in a folder, or in a folder of a Git repository, as `kustomize build` does.\n\
            Without DIR, the current folder is built.",
    examples: EXAMPLES,
    // tidy: table
    flags: &[
        Flag::switch("as-current-user", "Run function containers as the current user (no containers are run here)"),
        Flag::switch("enable-alpha-plugins", "Allow plugins outside of kustomize (none are run here)"),
        Flag::switch("enable-exec", "Allow functions that are programs (none are run here)"),
        Flag::switch("enable-helm", "Allow the rendering of Helm charts (none are rendered yet)"),
        Flag::switch("enable-managedby-label", "Add the label app.kubernetes.io/managed-by").deprecated("The flag `enable-managedby-label` has been deprecated. Use the `managedByLabel` option in the `buildMetadata` field instead."),
        Flag::texts("env", "Taken for compatibility: no functions are run here").short('e'),
        Flag::texts("helm-api-versions", "Taken for compatibility: no chart is rendered yet"),
        Flag::text("helm-command", "helm", "Taken for compatibility: no helm program is run"),
        Flag::switch("helm-debug", "Taken for compatibility: no helm program is run"),
        Flag::text("helm-kube-version", "", "Taken for compatibility: no chart is rendered yet"),
        Flag::text("load-restrictor", "LoadRestrictionsRootOnly", "LoadRestrictionsNone lets kustomizations read files outside of their own folder"),
        Flag::texts("mount", "Taken for compatibility: no containers are run here"),
        Flag::switch("network", "Taken for compatibility: no functions are run here"),
        Flag::text("network-name", "bridge", "Taken for compatibility: no containers are run here"),
        Flag::text("output", "", "File to write to, or a folder for one file per object").short('o'),
        Flag::text("reorder", "legacy", "Order of the output: legacy or none").deprecated("use the new 'sortOptions' field in kustomization.yaml instead."),
        Flag::switch("stack-trace", "Taken for compatibility"),
    ],
};

/// What the engine says where a flag is missing is no help to somebody who gave the flag: says instead what is not
/// served.
pub(super) fn unserved(parsed: &Parsed, error: anyhow::Error) -> anyhow::Error {
    let refused = error.downcast_ref::<Refusal>();
    let is_given = ["enable-helm", "enable-alpha-plugins"]
        .into_iter()
        .any(|flag| parsed.switch(flag));
    if is_given && refused.is_some_and(|refused| refused.code == UNSUPPORTED) {
        return anyhow::Error::msg(error.to_string().replace(
            "must specify --enable-helm",
            "this version of tidegate renders no Helm charts in kustomizations",
        ));
    }
    error
}
