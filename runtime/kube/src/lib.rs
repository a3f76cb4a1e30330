//! tidegate-kube
