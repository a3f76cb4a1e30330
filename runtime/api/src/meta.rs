//! Names that Flux's users and commands know: annotations, labels, finalizers, condition types and reasons.

/// Key of an artifact's metadata with the revision of the sources that an OCI image was built from.
pub const ORIGIN_REVISION_METADATA: &str = "org.opencontainers.image.revision";

/// API groups and versions.
pub mod group {
    pub const SOURCE: &str = "source.toolkit.fluxcd.io";
    pub const SOURCE_VERSION: &str = "v1";
    pub const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
    pub const KUSTOMIZE_VERSION: &str = "v1";
}

/// Names of the components, used for leases, event sources and field managers alike.
pub mod component {
    pub const SOURCE_CONTROLLER: &str = "source-controller";
    pub const KUSTOMIZE_CONTROLLER: &str = "kustomize-controller";
}

/// The finalizer on every object that has something to clean up.
pub const FINALIZER: &str = "finalizers.fluxcd.io";

/// Annotations that people and the `flux` command put on objects.
pub mod annotation {
    /// Asks for a reconcile whenever its value changes.
    pub const RECONCILE_REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
    /// Asks for a forced release when its value equals that of the request.
    pub const RECONCILE_FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
    /// Asks to forget failures when its value equals that of the request.
    pub const RECONCILE_RESET_AT: &str = "reconcile.fluxcd.io/resetAt";
    /// Prefix of annotations that are passed on in the object's events.
    pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

    /// On managed objects: how they are applied (`Override`, `Merge`, `IfNotPresent`, `Ignore`).
    pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
    /// On managed objects: `Enabled` deletes and creates again what can't be changed.
    pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
    /// On managed objects: `Disabled` keeps them from being pruned.
    pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
    /// On managed objects: `disabled` leaves them as they are.
    pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
    /// On managed objects: `disabled` leaves variables in them alone. Also read from labels.
    pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";
    /// On managed objects: `Disabled` applies them as they are encrypted.
    pub const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";
}

/// Keys of the annotations on Event objects and of the metadata of posted events, to follow `<group>/`.
pub mod event {
    pub const REVISION: &str = "revision";
    pub const ORIGIN_REVISION: &str = "originRevision";
    pub const DIGEST: &str = "digest";
    pub const CHECKSUM: &str = "checksum";
    pub const TOKEN: &str = "token";
    pub const COMMIT: &str = "commit";
    pub const COMMIT_STATUS: &str = "commit_status";
    /// The only value of `commit_status`.
    pub const COMMIT_STATUS_UPDATE: &str = "update";
}

/// Labels.
pub mod label {
    /// On ConfigMaps and Secrets: a change reconciles the objects that refer to them.
    pub const WATCH: &str = "reconcile.fluxcd.io/watch";
    pub const WATCH_ENABLED: &str = "Enabled";
    /// Which shard an object belongs to.
    pub const SHARD: &str = "sharding.fluxcd.io/key";
    /// On managed objects: name of the Kustomization that applied them.
    pub const KUSTOMIZATION_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
    /// On managed objects: namespace of the Kustomization that applied them.
    pub const KUSTOMIZATION_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
    /// On everything that an installation consists of; `flux check` looks for it.
    pub const PART_OF: &str = "app.kubernetes.io/part-of";
    pub const PART_OF_FLUX: &str = "flux";
}

/// Types of conditions.
pub mod condition {
    pub const READY: &str = "Ready";
    pub const RECONCILING: &str = "Reconciling";
    pub const STALLED: &str = "Stalled";
    pub const HEALTHY: &str = "Healthy";
    pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
    pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
    pub const BUILD_FAILED: &str = "BuildFailed";
    pub const FETCH_FAILED: &str = "FetchFailed";
    pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
    pub const SOURCE_VERIFIED: &str = "SourceVerified";
    pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
}

/// Reasons of conditions and events.
pub mod reason {
    pub const ACCESS_DENIED: &str = "AccessDenied";
    pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
    pub const BUILD_FAILED: &str = "BuildFailed";
    pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
    pub const FAILED: &str = "Failed";
    pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";
    pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
    pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
    pub const INSECURE_CONNECTIONS_DISALLOWED: &str = "InsecureConnectionsDisallowed";
    pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
    pub const INVALID_PATH: &str = "InvalidPath";
    pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
    pub const INVALID_URL: &str = "InvalidURL";
    pub const PROGRESSING: &str = "Progressing";
    pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    pub const PRUNE_FAILED: &str = "PruneFailed";
    pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
    pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
    pub const SUCCEEDED: &str = "Succeeded";
    pub const SUSPENDED: &str = "Suspended";
    pub const UNSUPPORTED_CONNECTION_TYPE: &str = "UnsupportedConnectionType";

    // Sources
    pub const ACQUIRE_LOCK_FAILED: &str = "AcquireLockFailed";
    pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
    pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
    pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    pub const COPY_FAILURE: &str = "CopyFailure";
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
    pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
    pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
    pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
    pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
    pub const INCLUDE_CHANGE: &str = "IncludeChange";
    pub const NEW_ARTIFACT: &str = "NewArtifact";
    pub const NEW_REVISION: &str = "NewRevision";
    pub const NO_ARTIFACT: &str = "NoArtifact";
    pub const NOT_FOUND: &str = "NotFound";
    pub const PATCH_OPERATION_FAILED: &str = "PatchOperationFailed";
    pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
    pub const SOURCE_IGNORE_ERROR: &str = "SourceIgnoreError";
    pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
    pub const SYMLINK_UPDATE_FAILED: &str = "SymlinkUpdateFailed";
    pub const URL_INVALID: &str = "URLInvalid";
    pub const VERIFICATION_ERROR: &str = "VerificationError";
}
