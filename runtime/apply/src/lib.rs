//! tidegate-apply
