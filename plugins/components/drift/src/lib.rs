//! tidegate-component-drift
