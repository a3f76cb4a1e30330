//! tidegate-yaml
