//! tidegate-component-substitute
