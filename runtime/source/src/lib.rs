//! tidegate-source
