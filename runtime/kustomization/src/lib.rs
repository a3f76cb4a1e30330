//! tidegate-kustomization
