use super::glob::Glob;

/// What a matching pattern says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Exclude,
    Include,
}

/// One line of an ignore file.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// The folder it counts in, from the root.
    domain: Vec<String>,
    parts: Vec<Part>,
    verdict: Verdict,
    directories_only: bool,
    /// Has a slash in it: matched from the domain on, not against any one name.
    anchored: bool,
}

#[derive(Debug, Clone)]
enum Part {
    Empty,
    AnyDirectories,
    /// Has `**` beside other characters.
    Never,
    Name(Glob),
}

impl Pattern {
    /// Takes a line apart as go-git's `gitignore.ParsePattern` does.
    pub(super) fn parse(line: &str, domain: &[&str]) -> Self {
        let (verdict, text) = match line.strip_prefix('!') {
            Some(rest) => (Verdict::Include, rest),
            None => (Verdict::Exclude, line),
        };
        let text = if text.ends_with("\\ ") {
            text
        } else {
            text.trim_end_matches(' ')
        };
        let (directories_only, text) = match text.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let parts = text.split('/').map(|part| match part {
            "" => Part::Empty,
            "**" => Part::AnyDirectories,
            _ if text.contains('/') && part.contains("**") => Part::Never,
            _ => Part::Name(Glob::parse(part)),
        });
        Self {
            domain: domain.iter().map(|&part| part.to_owned()).collect(),
            parts: parts.collect(),
            verdict,
            directories_only,
            anchored: text.contains('/'),
        }
    }

    /// Whether a part of it is malformed: no path is matched then.
    pub(super) fn is_malformed(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Never => true,
            Part::Name(glob) => glob.is_malformed(),
            Part::Empty | Part::AnyDirectories => false,
        })
    }

    /// The verdict on a path, if the pattern matches it or a folder above it.
    pub(super) fn judge(&self, path: &[&str], is_directory: bool) -> Option<Verdict> {
        if path.len() <= self.domain.len()
            || self
                .domain
                .iter()
                .zip(path)
                .any(|(wanted, part)| wanted != part)
        {
            return None;
        }
        let path = &path[self.domain.len()..];
        let matches = if self.anchored {
            self.matches_from_start(path, is_directory)
        } else {
            self.matches_any_name(path, is_directory)
        };
        matches.then_some(self.verdict)
    }

    fn matches_any_name(&self, path: &[&str], is_directory: bool) -> bool {
        let found = path.iter().position(|name| match &self.parts[0] {
            Part::Name(glob) => glob.matches(name),
            // Two stars as a name are one star twice.
            Part::AnyDirectories => true,
            Part::Empty | Part::Never => name.is_empty(),
        });
        match found {
            Some(position) => !self.directories_only || is_directory || position + 1 < path.len(),
            None => false,
        }
    }

    /// go-git's `globMatch`, its leniencies included: a pattern that matches a leading part of the path matches.
    fn matches_from_start(&self, path: &[&str], is_directory: bool) -> bool {
        let mut rest = path;
        let mut matched = false;
        let mut skipping = false;
        for (position, part) in self.parts.iter().enumerate() {
            match part {
                Part::Empty => skipping = false,
                Part::AnyDirectories if position + 1 == self.parts.len() => break,
                Part::AnyDirectories => skipping = true,
                Part::Never => return false,
                Part::Name(_) if rest.is_empty() => return false,
                Part::Name(glob) if skipping => {
                    skipping = false;
                    match rest.iter().position(|name| glob.matches(name)) {
                        Some(found) => {
                            matched = true;
                            rest = &rest[found + 1..];
                        }
                        None if glob.is_malformed() => return false,
                        None => {
                            matched = false;
                            rest = &[];
                        }
                    }
                }
                Part::Name(glob) => {
                    if !glob.matches(rest[0]) {
                        return false;
                    }
                    matched = true;
                    rest = &rest[1..];
                }
            }
        }
        matched && !(self.directories_only && !is_directory && rest.is_empty())
    }
}
