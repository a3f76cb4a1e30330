//! tidegate-kustomize
