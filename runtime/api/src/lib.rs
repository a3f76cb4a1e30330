//! tidegate-api
