//! tidegate-substitute
