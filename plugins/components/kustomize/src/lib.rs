//! tidegate-component-kustomize
