//! The flags of `flux build kustomization`.

use crate::cli::pflag::Command;
use crate::cli::pflag::Flag;

const EXAMPLES: &str = "  # As the cluster builds it, with variables from there
  tidegate build kustomization my-app --path ./apps/my-app

  # With a Kustomization from a file
  tidegate build kustomization my-app --path ./apps/my-app --kustomization-file ./clusters/my-app.yaml

  # Without a cluster: variables of Secrets and ConfigMaps are left out
  tidegate build kustomization my-app --path ./apps/my-app --kustomization-file ./clusters/my-app.yaml --dry-run

  # Without some files
  tidegate build kustomization my-app --path ./apps/my-app --ignore-paths \"/drafts/**/*.yaml,notes.yaml\"

  # With the Kustomizations that it contains
  tidegate build kustomization my-app --path ./apps/my-app --recursive \\
    --local-sources GitRepository/flux-system/my-repository=.";

pub(super) const COMMAND: Command = Command {
    usage: "tidegate build kustomization NAME --path DIR [flags]",
    about: "Build local manifests as the Flux Kustomization NAME would, and print them, as `flux build kustomization`\n\
            does. The Kustomization is read from the cluster, or from a file. Nothing is written to DIR: a\n\
            kustomization.yaml that it lacks is made up in memory. Secrets that SOPS encrypted are masked.",
    examples: EXAMPLES,
    // tidy: table
    flags: &[
        Flag::switch(
            "dry-run",
            "Connect to no cluster; needs --kustomization-file",
        ),
        Flag::list(
            "ignore-paths",
            "Files to leave out, as patterns of .gitignore",
        ),
        Flag::switch(
            "in-memory-build",
            "Taken for compatibility: builds are always made in memory",
        ),
        Flag::text(
            "kubeconfig",
            "",
            "Cluster to read from [default: KUBECONFIG, ~/.kube/config, else in-cluster]",
        ),
        Flag::text("kustomization-file", "", "File with the Flux Kustomization"),
        Flag::list(
            "local-sources",
            "Folders of sources, as Kind/namespace/name=path",
        ),
        Flag::text("namespace", "flux-system", "Namespace of the Kustomization").short('n'),
        Flag::text("path", "", "Folder with the manifests"),
        Flag::switch(
            "recursive",
            "Build the Kustomizations among the manifests too",
        )
        .short('r'),
        Flag::switch(
            "strict-substitute",
            "Fail where a variable without default has no value",
        ),
        Flag::text("timeout", "5m0s", "Time for reading from the cluster"),
    ],
};
