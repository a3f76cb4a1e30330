//! tidegate-cel
