use kube::runtime::watcher;

/// Tells that the API server refuses a watch: once, and again when it answers something else.
///
/// Whoever has no right to watch still works, but notices changes late. Nothing else would say so.
pub(crate) struct Refusal {
    resource: String,
    namespace: Option<String>,
    said: Option<String>,
}

impl Refusal {
    /// For the watch of a collection, by its path in the API.
    pub(crate) fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            other => ("", other),
        };
        let (namespace, plural) = match rest {
            ["namespaces", namespace, plural] => (Some((*namespace).to_owned()), *plural),
            other => (None, other.last().copied().unwrap_or_default()),
        };
        let resource = if group.is_empty() {
            plural.to_owned()
        } else {
            format!("{plural}.{group}")
        };
        Self {
            resource,
            namespace,
            said: None,
        }
    }

    /// Takes in why a try to watch failed. True when it was a refusal, said now or before.
    pub(crate) fn failed(&mut self, error: &watcher::Error) -> bool {
        let Some(Refused { verb, code, answer }) = refusal(error) else {
            return false;
        };
        if self.said.as_ref() != Some(&answer) {
            tracing::warn!(
                resource = self.resource,
                namespace = self.namespace,
                error = answer,
                "{}",
                self.text(verb, code)
            );
            self.said = Some(answer);
        }
        true
    }

    /// Takes in that objects were listed, or a watch of them was begun.
    pub(crate) fn succeeded(&mut self) {
        if self.said.take().is_some() {
            tracing::info!(
                resource = self.resource,
                namespace = self.namespace,
                "the watch of {} {} is allowed now",
                self.resource,
                self.place()
            );
        }
    }

    fn text(&self, verb: &str, code: u16) -> String {
        let (reason, advice) = if code == UNAUTHORIZED {
            (
                format!("the API server does not accept the credentials to {verb}"),
                "New credentials are wanted",
            )
        } else {
            (
                format!("no right to {verb}"),
                "The rights `list` and `watch` are wanted",
            )
        };
        format!(
            "{reason} {} {}: changes are not noticed when they happen, at the next interval at the earliest. {advice}",
            self.resource,
            self.place()
        )
    }

    fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("in the namespace {namespace}"),
            None => "in all namespaces".to_owned(),
        }
    }
}

/// Nobody is known to the API server by these credentials, whatever rights there are.
const UNAUTHORIZED: u16 = 401;

/// What was refused, and the API server's own words.
struct Refused {
    verb: &'static str,
    code: u16,
    answer: String,
}

/// What is refused, where the API server refused.
fn refusal(error: &watcher::Error) -> Option<Refused> {
    let (verb, status) = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) => ("list", &**status),
        watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => ("watch", &**status),
        _ => return None,
    };
    let code = status.code;
    matches!(code, UNAUTHORIZED | 403).then(|| Refused {
        verb,
        code,
        answer: status.message.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use kube::core::Status;
    use kube::runtime::watcher;

    fn answer(code: u16, message: &str) -> watcher::Error {
        let mut status = Status::failure(message, "Forbidden");
        status.code = code;
        watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn paths_name_the_resource_and_its_namespace() {
        for (path, resource, place) in [
            (
                "/apis/source.toolkit.fluxcd.io/v1/namespaces/team/gitrepositories",
                "gitrepositories.source.toolkit.fluxcd.io",
                "in the namespace team",
            ),
            (
                "/apis/apps/v1/deployments",
                "deployments.apps",
                "in all namespaces",
            ),
            (
                "/api/v1/namespaces/team/secrets",
                "secrets",
                "in the namespace team",
            ),
            ("/api/v1/namespaces", "namespaces", "in all namespaces"),
        ] {
            let refusal = Refusal::of(path);
            assert_eq!((&*refusal.resource, &*refusal.place()), (resource, place));
            let text = refusal.text("list", 403);
            let wanted = format!("no right to list {resource} {place}: ");
            assert!(text.starts_with(&wanted), "{text}");
        }
    }

    #[test]
    fn credentials_that_are_not_accepted_are_no_missing_right() {
        let text = Refusal::of("/api/v1/secrets").text("watch", 401);
        let wanted =
            "the API server does not accept the credentials to watch secrets in all namespaces: ";
        assert!(text.starts_with(wanted), "{text}");
        assert!(!text.contains("right"), "{text}");
    }

    #[test]
    fn the_same_answer_is_said_once() {
        let mut refusal = Refusal::of("/api/v1/secrets");
        assert!(!refusal.failed(&answer(404, "not installed")));
        assert!(refusal.said.is_none());
        assert!(refusal.failed(&answer(403, "no list")));
        assert!(refusal.failed(&answer(403, "no list")));
        assert_eq!(refusal.said.as_deref(), Some("no list"));
        assert!(refusal.failed(&answer(401, "who are you")));
        assert_eq!(refusal.said.as_deref(), Some("who are you"));
        refusal.succeeded();
        assert!(refusal.said.is_none());
    }
}
