//! Which cluster is meant: as kubectl finds it (client-go, `tools/clientcmd`, `ClientConfigLoadingRules.Load` and
//! `DeferredLoadingClientConfig`).

use kube::Config;
use kube::config::InClusterError;
use kube::config::KubeConfigOptions;
use kube::config::Kubeconfig;
use kube::config::KubeconfigError;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

/// Where kubeconfigs may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kubeconfigs {
    /// The one that was named: it has to be there.
    Named(PathBuf),
    /// Those of `KUBECONFIG`, or the one in the home folder: what is not there is passed over. Without any, the service
    /// account of the pod is used.
    Listed(Vec<PathBuf>),
}

impl Kubeconfigs {
    /// `named`: the flag `--kubeconfig`; `listed`: what `KUBECONFIG` says; `home`: the person's home folder. What is
    /// empty says nothing.
    pub fn find(
        named: Option<&Path>,
        listed: Option<&std::ffi::OsStr>,
        home: Option<&Path>,
    ) -> Self {
        let is_something = |path: &&Path| !path.as_os_str().is_empty();
        if let Some(named) = named.filter(is_something) {
            return Self::Named(named.to_owned());
        }
        let listed: Vec<PathBuf> = listed
            .map(std::env::split_paths)
            .into_iter()
            .flatten()
            .filter(|path| is_something(&path.as_path()))
            .collect();
        if !listed.is_empty() {
            return Self::Listed(listed);
        }
        let home = home.filter(is_something);
        Self::Listed(
            home.map(|home| home.join(".kube/config"))
                .into_iter()
                .collect(),
        )
    }

    pub(crate) async fn load(&self) -> Result<Config, LoadError> {
        let (paths, is_named) = match self {
            Self::Named(path) => (std::slice::from_ref(path), true),
            Self::Listed(paths) => (paths.as_slice(), false),
        };
        let merged = merge(paths, is_named)?;
        if !is_named && merged.clusters.is_empty() && merged.contexts.is_empty() {
            return Config::incluster().map_err(|error| match error {
                InClusterError::ReadEnvironmentVariable(_) => LoadError::Nothing {
                    tried: shown(paths),
                },
                error => LoadError::Pod(error.to_string()),
            });
        }
        Config::from_custom_kubeconfig(merged, &KubeConfigOptions::default())
            .await
            .map_err(|error| LoadError::Unusable {
                paths: shown(paths),
                problem: problem(&error),
            })
    }
}

/// Why no cluster is known. Texts of errors below these are in the message already.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    #[error("failed to read the kubeconfig {path}: {problem}")]
    Unreadable { path: String, problem: String },
    #[error("failed to use the kubeconfig {paths}: {problem}")]
    Unusable { paths: String, problem: String },
    #[error("no cluster is known: no kubeconfig at {tried}, and this is no pod of a cluster")]
    Nothing { tried: String },
    #[error("no kubeconfig, and the pod's service account can't be used: {0}")]
    Pod(String),
}

/// Of what several files name, the first counts.
fn merge(paths: &[PathBuf], is_named: bool) -> Result<Kubeconfig, LoadError> {
    let mut merged = Kubeconfig::default();
    for path in paths {
        let unreadable = |error: &KubeconfigError| LoadError::Unreadable {
            path: path.display().to_string(),
            problem: problem(error),
        };
        let read = match Kubeconfig::read_from(path) {
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == ErrorKind::NotFound && !is_named =>
            {
                continue;
            }
            read => read.map_err(|error| unreadable(&error))?,
        };
        // `current-context: ""`, which kubectl writes, names none.
        let read = Kubeconfig {
            current_context: read.current_context.filter(|name| !name.is_empty()),
            ..read
        };
        merged = merged.merge(read).map_err(|error| unreadable(&error))?;
    }
    Ok(merged)
}

/// The text of an error alone: those of the library repeat their causes, and show lines of the file, which may hold a
/// token.
fn problem(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => format!(
                "line {}, column {}: not what a kubeconfig has there",
                place.line(),
                place.column()
            ),
            None => "not a kubeconfig".to_owned(),
        },
        KubeconfigError::CurrentContextNotSet => "no current-context is set".to_owned(),
        KubeconfigError::LoadContext(name) => {
            format!("current-context: there is no context `{name}`")
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            format!("the context's cluster `{name}` is not there")
        }
        error => error.to_string(),
    }
}

fn shown(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "KUBECONFIG or ~/.kube/config".to_owned();
    }
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(named: &str, listed: &str, home: &str) -> Kubeconfigs {
        Kubeconfigs::find(
            Some(Path::new(named)),
            Some(listed.as_ref()),
            Some(Path::new(home)),
        )
    }

    fn listed(paths: &[&str]) -> Kubeconfigs {
        Kubeconfigs::Listed(paths.iter().map(PathBuf::from).collect())
    }

    #[test]
    fn a_name_goes_before_the_environment_and_that_before_the_home_folder() {
        assert_eq!(find("x", "a:b", "/h"), Kubeconfigs::Named("x".into()));
        assert_eq!(find("", "a::b:", "/h"), listed(&["a", "b"]));
        assert_eq!(find("", ":", "/h"), listed(&["/h/.kube/config"]));
        assert_eq!(find("", "", ""), listed(&[]));
    }

    fn config(name: &str, server: &str, context: &str) -> String {
        format!(
            "{{apiVersion: v1, kind: Config, current-context: '{context}', \
             clusters: [{{name: {name}, cluster: {{server: 'https://{server}'}}}}, \
             {{name: both, cluster: {{server: 'https://{server}'}}}}], \
             users: [{{name: {name}, user: {{}}}}], \
             contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}, \
             {{name: both, context: {{cluster: both, user: {name}}}}}]}}"
        )
    }

    async fn server(paths: &[&Path]) -> Result<String, String> {
        let paths = paths.iter().map(|path| path.to_path_buf()).collect();
        let loaded = Kubeconfigs::Listed(paths).load().await;
        loaded
            .map(|config| config.cluster_url.to_string())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn several_are_merged_as_kubectl_merges_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("one", &config("one", "one.test", ""));
        write("two", &config("two", "two.test", "one"));
        write("three", &config("three", "three.test", "both"));
        let (none, one, two, three) = (path("none"), path("one"), path("two"), path("three"));
        // The first context that is set counts, and its cluster may stand in another file.
        let found = server(&[&none, &one, &two, &three]).await;
        assert_eq!(found.unwrap(), "https://one.test/");
        // Of two with one name the first counts.
        let found = server(&[&two, &three, &one]).await;
        assert_eq!(found.unwrap(), "https://one.test/");
        let found = server(&[&one, &three]).await;
        assert_eq!(found.unwrap(), "https://one.test/");
        let problem = server(&[&two, &three]).await.unwrap_err();
        assert!(
            problem.ends_with("current-context: there is no context `one`"),
            "{problem}"
        );
    }

    #[tokio::test]
    async fn errors_name_the_file_once_and_show_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let shown = file.display();
        let named = Kubeconfigs::Named(file.clone());
        let problem = named.load().await.unwrap_err();
        assert_eq!(
            problem.to_string(),
            format!(
                "failed to read the kubeconfig {shown}: No such file or directory (os error 2)"
            )
        );
        assert!(std::error::Error::source(&problem).is_none());
        std::fs::write(
            &file,
            "users: [{name: a, user: {token: hunter22}}]\nclusters: hunter22\n",
        )
        .unwrap();
        let problem = server(&[&file]).await.unwrap_err();
        assert_eq!(
            problem,
            format!(
                "failed to read the kubeconfig {shown}: line 2, column 11: not what a kubeconfig has there"
            )
        );
        std::fs::write(&file, "users: [{token: hunter22\n").unwrap();
        let problem = server(&[&file]).await.unwrap_err();
        assert!(
            problem.contains("line") && !problem.contains("hunter22"),
            "{problem}"
        );
        std::fs::write(&file, config("a", "a.test", "")).unwrap();
        let problem = server(&[&file]).await.unwrap_err();
        assert_eq!(
            problem,
            format!("failed to use the kubeconfig {shown}: no current-context is set")
        );
    }
}
