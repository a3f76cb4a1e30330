//! tidegate-git
