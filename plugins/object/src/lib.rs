//! tidegate-object
