//! What a kustomization means by the URL of a base (kustomize `api/internal/git`, `NewRepoSpecFromURL`).

use std::time::Duration;

/// Time for one base, when its URL names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(27);

/// A base in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    /// What to clone: a URL, or `user@host:path`.
    pub repository: String,
    /// The base's folder in it; empty for its root.
    pub path: String,
    /// Branch, tag, full name or commit; the default branch without one.
    pub reference: Option<String>,
    pub timeout: Duration,
    pub submodules: bool,
}

/// A text that names no repository. Kustomize takes it for a path then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocatorError {
    #[error("uri looks like abs path: {}", shown(.0))]
    AbsolutePath(String),
    #[error("failed to parse scheme")]
    Scheme,
    #[error("failed to parse host segment")]
    Host,
    #[error("failed to parse repo path segment")]
    RepositoryPath,
    #[error("url path exits repo: {}", shown(.0))]
    PathExits(String),
}

/// The part of a locator that is wrong, on one line and without what may be a password.
fn shown(text: &str) -> String {
    let url = tidegate_values::SafeUrl::new(text).to_string();
    url.replace(char::is_control, "\u{fffd}")
}

impl Locator {
    /// Takes a locator apart.
    pub fn parse(text: &str) -> Result<Self, LocatorError> {
        if text.starts_with('/') {
            return Err(LocatorError::AbsolutePath(text.to_owned()));
        }
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (host, rest) = split_host(address)?;
        let (repository, path) =
            split_path(rest, host == FILE).ok_or(LocatorError::RepositoryPath)?;
        if repository.is_empty() {
            return Err(LocatorError::RepositoryPath);
        }
        if exits(&path) {
            return Err(LocatorError::PathExits(rest.to_owned()));
        }
        let mut locator = Self {
            repository: format!("{host}{repository}"),
            path: path.strip_prefix('/').unwrap_or(&path).to_owned(),
            reference: None,
            timeout: DEFAULT_TIMEOUT,
            submodules: true,
        };
        locator.take_query(query);
        Ok(locator)
    }

    /// The first value of each key counts, and those that can't be read do not.
    fn take_query(&mut self, query: &str) {
        // Go refuses a query with a semicolon as a whole.
        if query.contains(';') {
            return;
        }
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let value = |key: &str| {
            let found = pairs
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.as_ref());
            found.filter(|value| !value.is_empty())
        };
        self.reference = value("ref").or_else(|| value("version")).map(str::to_owned);
        if let Some(timeout) = value("timeout").and_then(duration) {
            self.timeout = timeout;
        }
        match value("submodules") {
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => self.submodules = true,
            Some("0" | "f" | "F" | "FALSE" | "false" | "False") => self.submodules = false,
            _ => {}
        }
    }
}

const FILE: &str = "file://";
const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", FILE];

/// The part up to the repository's path, and the rest.
fn split_host(text: &str) -> Result<(String, &str), LocatorError> {
    let text = without_prefix(text, "git::").unwrap_or(text);
    let known = SCHEMES
        .into_iter()
        .find_map(|scheme| Some((scheme, without_prefix(text, scheme)?)));
    let (scheme, after_scheme) = known.unwrap_or(("", text));
    if scheme == FILE {
        return Ok((FILE.to_owned(), after_scheme));
    }
    let (user, rest) = split_user(after_scheme);
    let github = ["github.com/", "github.com:"]
        .iter()
        .any(|host| without_prefix(rest, host).is_some());
    let colon_allowed = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !colon_allowed {
        return Err(LocatorError::Scheme);
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|colon| colon_allowed && *colon > 0);
    let end = match (slash, colon) {
        (Some(slash), Some(colon)) => Some(slash.min(colon)),
        (slash, colon) => slash.or(colon),
    };
    let (host, path) = end.map_or((rest, ""), |end| rest.split_at(end + 1));
    if github {
        let host = if scheme == "ssh://" || !user.is_empty() {
            "github.com:"
        } else {
            "https://github.com/"
        };
        let user = if host.starts_with("https") { "" } else { user };
        return Ok((format!("{user}{host}"), path));
    }
    if host.is_empty() {
        return Err(LocatorError::Host);
    }
    Ok((format!("{scheme}{user}{host}"), path))
}

fn without_prefix<'text>(text: &'text str, prefix: &str) -> Option<&'text str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

/// `user@` and what follows; no user when it has other characters than letters, digits and hyphens.
fn split_user(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_alphanumeric() && character != '-');
    match end {
        Some(end)
            if end > 0
                && text[end..].starts_with('@')
                && text.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            text.split_at(end + 1)
        }
        _ => ("", text),
    }
}

/// The repository's path and the path in it: divided at `_git/<name>`, `//` or `.git`, or else after two parts.
fn split_path(text: &str, all: bool) -> Option<(String, String)> {
    const AZURE: &str = "_git/";
    if let Some(start) = text.find(AZURE) {
        let name = start + AZURE.len();
        let end = text[name..].find('/').map_or(text.len(), |end| name + end);
        return Some((
            text[..end].to_owned(),
            text.get(end + 1..).unwrap_or_default().to_owned(),
        ));
    }
    if let Some((repository, path)) = text.split_once("//") {
        return Some((repository.to_owned(), path.to_owned()));
    }
    if let Some(start) = text.find(".git") {
        let (repository, path) = text.split_at(start + ".git".len());
        return Some((repository.to_owned(), path.to_owned()));
    }
    if all {
        return Some((text.to_owned(), String::new()));
    }
    let parts: Vec<&str> = text.split('/').collect();
    (parts.len() >= 2).then(|| (parts[..2].join("/"), parts[2..].join("/")))
}

/// Whether a path, in normal form, begins with `..`.
fn exits(path: &str) -> bool {
    let mut depth = 0_i64;
    for part in path.strip_prefix('/').unwrap_or(path).split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// Whole seconds, or a duration as Go writes them; only positive ones.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds)).filter(|duration| !duration.is_zero());
    }
    let mut total = 0.0;
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    while !rest.is_empty() {
        let number =
            rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (value, after) = rest.split_at(number);
        let unit = after
            .find(|character: char| character.is_ascii_digit() || character == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += value.parse::<f64>().ok()? * seconds;
        rest = after;
    }
    Duration::try_from_secs_f64(total)
        .ok()
        .filter(|duration| !duration.is_zero())
}
