//! tidegate-artifact
