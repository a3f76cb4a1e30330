//! tidegate-drift
