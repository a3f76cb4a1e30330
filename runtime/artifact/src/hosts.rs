//! Fetching past the host of a URL, for a controller that runs outside of the cluster.

/// Hosts, with a port if need be, to fetch from in place of the one in an artifact's URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts {
    /// `SOURCE_WATCHER_LOCALHOST`: for URLs of the source-watcher.
    pub source_watcher: Option<String>,
    /// `SOURCE_CONTROLLER_LOCALHOST`: for all others.
    pub source_controller: Option<String>,
}

impl Hosts {
    /// Where `url` can be reached (kustomize-controller `internal/controller/kustomization_controller.go`,
    /// `reconcile`; fluxcd/pkg `http/fetch/archive_fetcher.go`, `FetchWithContext`).
    pub(crate) fn reachable(&self, url: &str) -> String {
        let host = if url.contains("//source-watcher") {
            &self.source_watcher
        } else {
            &self.source_controller
        };
        let replaced = host.as_ref().and_then(|host| {
            let mut parsed = url::Url::parse(url).ok()?;
            let other = url::Url::parse(&format!("{}://{host}", parsed.scheme())).ok()?;
            parsed.set_host(other.host_str()).ok()?;
            parsed.set_port(other.port()).ok()?;
            Some(parsed.into())
        });
        replaced.unwrap_or_else(|| url.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn hosts_are_taken_by_who_made_the_url() {
        let both = Hosts {
            source_watcher: Some("[::1]:8081".to_owned()),
            source_controller: Some("localhost:8080".to_owned()),
        };
        let watcher_alone = Hosts {
            source_controller: None,
            ..both.clone()
        };
        let none = Hosts::default();
        let (source, watcher) = (
            "http://source-controller.flux-system.svc.cluster.local./gitrepository/a/b/c.tar.gz",
            "http://source-watcher.flux-system.svc.cluster.local./externalartifact/a/b/c.tar.gz",
        );
        for (hosts, url, wanted) in [
            (
                &both,
                source,
                "http://localhost:8080/gitrepository/a/b/c.tar.gz",
            ),
            (
                &both,
                "https://10.0.0.1:9090/x?y=1",
                "https://localhost:8080/x?y=1",
            ),
            (
                &both,
                watcher,
                "http://[::1]:8081/externalartifact/a/b/c.tar.gz",
            ),
            (&watcher_alone, source, source),
            (&none, watcher, watcher),
            (&both, "no URL", "no URL"),
        ] {
            assert_eq!(hosts.reachable(url), wanted);
        }
        let standard = Hosts {
            source_controller: Some("proxy".to_owned()),
            ..Hosts::default()
        };
        assert_eq!(
            standard.reachable("http://10.0.0.1:9090/x"),
            "http://proxy/x"
        );
    }
}
