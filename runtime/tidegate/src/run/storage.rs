//! The folder of the artifacts: opened by every process, written to by one.

use crate::flags::Flags;
use crate::flags::Role;
use crate::run::GRACE;
use crate::run::roles;
use anyhow::Context as _;
use anyhow::ensure;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use tidegate_artifact::Algorithm;
use tidegate_artifact::ClaimError;
use tidegate_artifact::Store;

/// How often the content of artifacts that went is freed.
const SWEEP: Duration = Duration::from_mins(1);

/// How long a process that gives up a lease may still have the folder: until its work has ended.
const HANDOVER: Duration = GRACE.saturating_mul(3);

/// Time between two looks whether the folder is free.
const LOOK: Duration = Duration::from_millis(250);

/// Takes the folder for this process before it is written to, and has it swept from then on.
///
/// Who was `elected` waits a while: the leader of before may be ending. Otherwise two processes were started on one
/// folder, which is a mistake, or one of them holds another role's lease, which it had better take as well.
pub(crate) async fn claim(store: &Store, elected: bool) -> anyhow::Result<()> {
    let own = format!(
        "process {} on {}",
        std::process::id(),
        tidegate_kube::hostname()
    );
    let mut left = if elected { HANDOVER } else { Duration::ZERO };
    loop {
        match store.claim(&own) {
            Ok(true) => {
                tokio::spawn(store.clone().keep_swept(SWEEP));
                return Ok(());
            }
            Ok(false) => return Ok(()),
            Err(error @ ClaimError::Taken { .. }) if !left.is_zero() => {
                if left == HANDOVER {
                    tracing::info!(%error, "waiting for the folder of the artifacts");
                }
                left = left.saturating_sub(LOOK);
                tokio::time::sleep(LOOK).await;
            }
            Err(error @ ClaimError::Taken { .. }) => anyhow::bail!(
                "--storage-path: {error}: stop that process, or give this one a folder of its own"
            ),
            Err(error) => return Err(error).context("--storage-path"),
        }
    }
}

/// Opens the folder of the flags, without writing to what is in it: another process may be leading.
pub(crate) fn open(flags: &Flags) -> anyhow::Result<Store> {
    let given = flags
        .roles
        .iter()
        .find_map(|role| flags.optional(*role, "storage-path"));
    let path = match given {
        Some(path) => path.into(),
        None => default_folder(&std::env::temp_dir())?,
    };
    let mut options = tidegate_artifact::Options::new(path, "");
    options.hosts = Flags::hosts();
    if flags.roles.contains(&Role::Source) {
        publish(flags, &mut options)?;
    }
    let path = options.path.clone();
    Store::new(options).with_context(|| format!("--storage-path: cannot use `{}`", path.display()))
}

/// What the making of artifacts takes.
fn publish(flags: &Flags, options: &mut tidegate_artifact::Options) -> anyhow::Result<()> {
    let role = Role::Source;
    options.advertised = flags.optional(role, "storage-adv-addr").unwrap_or_else(|| {
        format!(
            "source-controller.{}.svc.cluster.local.",
            roles::runtime_namespace()
        )
    });
    options.retention_records = flags.number(role, "artifact-retention-records")?;
    options.retention_age = flags.duration(role, "artifact-retention-ttl")?;
    let algorithm = flags.text(role, "artifact-digest-algo");
    options.algorithm = Algorithm::parse(&algorithm)
        .with_context(|| format!("--artifact-digest-algo: `{algorithm}`"))?;
    Ok(())
}

/// `tidegate` in the folder for temporary files, made if it is not there. Others may write beside it, so it must be
/// ours, and for nobody else to look into.
fn default_folder(temporary: &Path) -> anyhow::Result<PathBuf> {
    let path = temporary.join("tidegate");
    let shown = path.display();
    match std::fs::DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error)
                .with_context(|| format!("failed to make {shown}, the folder for artifacts"));
        }
        Ok(()) | Err(_) => {}
    }
    let found = std::fs::symlink_metadata(&path).with_context(|| shown.to_string())?;
    let own = std::fs::metadata("/proc/self").context("/proc/self")?.uid();
    ensure!(
        found.is_dir() && found.uid() == own,
        "{shown} is not a folder of this user: name another one with --storage-path"
    );
    Ok(path)
}

/// Removes what fetches left that were killed: nobody else would, and each may be as large as a repository.
pub(crate) async fn clear_scratch(store: &Store) -> anyhow::Result<()> {
    let path = store.path().to_owned();
    let cleared = tokio::task::spawn_blocking(move || tidegate_git::clear_scratch(&path)).await?;
    match cleared {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed what killed fetches left"),
        Err(error) => tracing::warn!(%error, "what killed fetches left can't be removed"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::claim;
    use super::default_folder;
    use super::open;
    use crate::flags::Flags;
    use crate::flags::command;
    use std::time::Duration;
    use tidegate_artifact::Options;
    use tidegate_artifact::Store;

    #[tokio::test]
    async fn the_next_leader_waits_for_the_folder_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::new(Options::new(folder.path(), "x")).unwrap();
        let (first, second, third) = (open(), open(), open());
        first.claim("process 7 on host-a").unwrap();
        let refused = claim(&third, false).await.unwrap_err().to_string();
        assert_eq!(
            refused,
            format!(
                "--storage-path: {:?} is in use by process 7 on host-a: stop that process, or give this one a folder of its own",
                folder.path()
            )
        );
        let next = tokio::spawn(async move { claim(&second, true).await.map(|()| second) });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!next.is_finished());
        drop(first);
        let _leads = next.await.unwrap().unwrap();
        assert!(claim(&third, false).await.is_err());
    }

    /// What has no effect where artifacts are not made is said not to have any.
    #[test]
    fn who_only_applies_has_a_folder_and_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let made = |given: [String; 3]| {
            let arguments = std::iter::once("run".to_owned()).chain(given);
            let matches = command().try_get_matches_from(arguments).unwrap();
            let flags = Flags::new(matches, None).unwrap();
            let store = open(&flags).unwrap();
            assert_eq!(store.path(), folder.path());
            let idle: Vec<String> = flags.idle().into_iter().map(|(flag, _)| flag).collect();
            let is_ours = store.own_path("http://here:1/a/b.tar.gz") == Some("a/b.tar.gz");
            (is_ours, idle)
        };
        let path = folder.path().display();
        let address = || "--source-controller-storage-adv-addr=here:1".to_owned();
        for flag in ["storage-path", "kustomize-controller-storage-path"] {
            let alone = "--controllers=kustomize-controller".to_owned();
            let found = made([alone, format!("--{flag}={path}"), address()]);
            let idle = vec!["--source-controller-storage-adv-addr".to_owned()];
            assert_eq!(found, (false, idle));
        }
        let both = "--controllers=kustomize-controller,source-controller".to_owned();
        let found = made([both, format!("--storage-path={path}"), address()]);
        assert_eq!(found, (true, Vec::new()));
    }

    #[test]
    fn the_default_folder_is_made_and_is_ours() {
        let temporary = tempfile::tempdir().unwrap();
        let made = default_folder(temporary.path()).unwrap();
        assert!(made.is_dir());
        assert_eq!(default_folder(temporary.path()).unwrap(), made);

        std::fs::remove_dir(&made).unwrap();
        std::os::unix::fs::symlink("/", &made).unwrap();
        let error = default_folder(temporary.path()).unwrap_err().to_string();
        assert!(error.contains("--storage-path"), "{error}");
    }
}
