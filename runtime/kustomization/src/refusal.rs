//! Codes by which the plugin `kustomize` says what refused a build (`plugins/components/kustomize`).

use tidegate_sandbox::Failure;

/// Flux's generator of kustomizations, before kustomize saw anything.
pub const GENERATOR: &str = "generator";

/// The engine does not do what the input asks for.
pub const UNSUPPORTED: &str = "unsupported";

/// The code of a failure; empty where the plugin gave none.
pub fn code(failure: &Failure) -> &str {
    match failure {
        Failure::InvalidInput(diagnostics) => diagnostics
            .first()
            .map_or("", |diagnostic| &diagnostic.code),
        _ => "",
    }
}
