//! Names that Flux's users and commands know: annotations, labels, finalizers, condition types and reasons.

/// Key of an artifact's metadata with the revision of the sources that an OCI image was built from.
pub const ORIGIN_REVISION_METADATA: &str = "org.opencontainers.image.revision";

/// API groups and versions.
pub mod group {
    /// The group of sources.
    pub const SOURCE: &str = "source.toolkit.fluxcd.io";
    /// The version of its kinds that is served.
    pub const SOURCE_VERSION: &str = "v1";
    /// The group of Kustomizations.
    pub const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
    /// The version of its kind that is served.
    pub const KUSTOMIZE_VERSION: &str = "v1";
}

/// Names of the components, used for leases, event sources and field managers alike.
pub mod component {
    /// What makes artifacts.
    pub const SOURCE_CONTROLLER: &str = "source-controller";
    /// What builds and applies.
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
    /// The revision that the event is about.
    pub const REVISION: &str = "revision";
    /// For an OCI image: the revision of the sources that it was built from.
    pub const ORIGIN_REVISION: &str = "originRevision";
    /// The digest of the artifact that the event is about.
    pub const DIGEST: &str = "digest";
    /// The same under its older name.
    pub const CHECKSUM: &str = "checksum";
    /// Whatever tells the content of this event from that of others: receivers that limit rates look at it.
    pub const TOKEN: &str = "token";
    /// The commit that the event is about.
    pub const COMMIT: &str = "commit";
    /// Asks for a status at the commit, where the receiver sets such.
    pub const COMMIT_STATUS: &str = "commit_status";
    /// The only value of `commit_status`.
    pub const COMMIT_STATUS_UPDATE: &str = "update";
}

/// Labels.
pub mod label {
    /// On ConfigMaps and Secrets: a change reconciles the objects that refer to them.
    pub const WATCH: &str = "reconcile.fluxcd.io/watch";
    /// The value of [`WATCH`] that asks for it.
    pub const WATCH_ENABLED: &str = "Enabled";
    /// Which shard an object belongs to.
    pub const SHARD: &str = "sharding.fluxcd.io/key";
    /// On managed objects: name of the Kustomization that applied them.
    pub const KUSTOMIZATION_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
    /// On managed objects: namespace of the Kustomization that applied them.
    pub const KUSTOMIZATION_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
    /// On everything that an installation consists of; `flux check` looks for it.
    pub const PART_OF: &str = "app.kubernetes.io/part-of";
    /// The value of [`PART_OF`].
    pub const PART_OF_FLUX: &str = "flux";
}

/// Types of conditions.
pub mod condition {
    /// The whole is well: what people and tools look at first.
    pub const READY: &str = "Ready";
    /// Something is under way, or tried again.
    pub const RECONCILING: &str = "Reconciling";
    /// Nothing is tried before the spec changes.
    pub const STALLED: &str = "Stalled";
    /// What was applied is well. There only where that is checked.
    pub const HEALTHY: &str = "Healthy";
    /// The artifact that the status names is there to be downloaded.
    pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
    /// There is something newer than the artifact.
    pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
    /// The artifact could not be made from what was fetched.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// What the spec names could not be fetched.
    pub const FETCH_FAILED: &str = "FetchFailed";
    /// An artifact that is to be included is not there.
    pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
    /// The signature of what was fetched was looked at.
    pub const SOURCE_VERIFIED: &str = "SourceVerified";
    /// The artifact could not be kept.
    pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
}

/// Reasons of conditions and events.
pub mod reason {
    /// A reference into another namespace, or to a kind that is switched off.
    pub const ACCESS_DENIED: &str = "AccessDenied";
    /// The artifact of the source is missing, or not what it promised to be.
    pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
    /// The manifests could not be built.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// What `spec.dependsOn` names is not ready.
    pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
    /// Something went wrong that has no reason of its own.
    pub const FAILED: &str = "Failed";
    /// A field that is not served, or not switched on.
    pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";
    /// The wait for health ended because there is something newer to do.
    pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
    /// What was applied did not get well.
    pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
    /// Plain HTTP, where it is switched off.
    pub const INSECURE_CONNECTIONS_DISALLOWED: &str = "InsecureConnectionsDisallowed";
    /// An expression of the spec that can't be understood.
    pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
    /// A path of the spec that can't be used.
    pub const INVALID_PATH: &str = "InvalidPath";
    /// The provider and the Secret do not fit each other.
    pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
    /// A URL that can't be used. [`URL_INVALID`] is what Git repositories say.
    pub const INVALID_URL: &str = "InvalidURL";
    /// Work is under way.
    pub const PROGRESSING: &str = "Progressing";
    /// Work failed, and is tried again.
    pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    /// What is no longer wanted could not be deleted.
    pub const PRUNE_FAILED: &str = "PruneFailed";
    /// The apply failed, or the spec can't be right.
    pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
    /// All was applied, and is healthy where that is asked for.
    pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
    /// It went well.
    pub const SUCCEEDED: &str = "Succeeded";
    /// Nothing is done: the spec says so.
    pub const SUSPENDED: &str = "Suspended";
    /// The provider can't be reached in the way that the spec asks for.
    pub const UNSUPPORTED_CONNECTION_TYPE: &str = "UnsupportedConnectionType";

    // Sources
    /// Somebody else holds the artifact.
    pub const ACQUIRE_LOCK_FAILED: &str = "AcquireLockFailed";
    /// The archive could not be packed or unpacked.
    pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
    /// What was fetched is what is stored already.
    pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
    /// The stored archive is not what its digest promises.
    pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
    /// The credentials can't be used.
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    /// Files of an included artifact could not be copied.
    pub const COPY_FAILURE: &str = "CopyFailure";
    /// No folder could be made for the artifact.
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
    /// Older artifacts could not be removed.
    pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
    /// Older artifacts were removed.
    pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
    /// The Git server could not be asked, or refused.
    pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
    /// The Git server was asked.
    pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
    /// Included artifacts are others than before.
    pub const INCLUDE_CHANGE: &str = "IncludeChange";
    /// There is a new artifact.
    pub const NEW_ARTIFACT: &str = "NewArtifact";
    /// There is a new revision, not stored yet.
    pub const NEW_REVISION: &str = "NewRevision";
    /// There is nothing stored yet.
    pub const NO_ARTIFACT: &str = "NoArtifact";
    /// What is referred to is not there.
    pub const NOT_FOUND: &str = "NotFound";
    /// The API server did not take the object.
    pub const PATCH_OPERATION_FAILED: &str = "PatchOperationFailed";
    /// A file could not be read.
    pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
    /// The patterns of files to leave out can't be read.
    pub const SOURCE_IGNORE_ERROR: &str = "SourceIgnoreError";
    /// It could not be told whether a file is there.
    pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
    /// The link to the latest artifact could not be set.
    pub const SYMLINK_UPDATE_FAILED: &str = "SymlinkUpdateFailed";
    /// The URL of a Git repository can't be used.
    pub const URL_INVALID: &str = "URLInvalid";
    /// The signature of what was fetched is wrong or missing.
    pub const VERIFICATION_ERROR: &str = "VerificationError";
}
