//! tidegate-guest
