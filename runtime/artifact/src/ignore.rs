//! Which files stay out of an artifact: Flux's `.sourceignore`.
//!
//! The rules are those of fluxcd/pkg `sourceignore` and its copy of go-git's `gitignore`, which differ from Git's
//! and so from the libraries for those: a pattern is tried on every path by itself (a file below an excluded
//! directory can come back), names are matched by Go's `filepath.Match`, and `**` inside a part never matches.

mod glob;
mod pattern;

use std::fmt;

use pattern::{Pattern, Verdict};
use tidegate_values::{EntryKind, ReadError, Tree};

/// The file that holds a folder's own patterns.
const IGNORE_FILE: &str = ".sourceignore";

const VERSION_CONTROL: [&str; 4] = [".git/", ".gitignore", ".gitmodules", ".gitattributes"];

const UNWANTED: [&str; 20] = [
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// What is left out where nobody said anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// Nothing.
    None,
    /// Files of version control only (OCI artifacts).
    VersionControl,
    /// Those, and images, archives and CI files: the latter only while there is no other pattern (Git).
    Full,
}

/// A pattern that matches nothing because of how it is written. go-git passes over it in silence, and so does Flux.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Path of the `.sourceignore`; `None`: the object's own patterns.
    pub file: Option<String>,
    /// Counted from one.
    pub line: usize,
    pub pattern: String,
}

impl fmt::Display for Malformed {
    /// Without the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, pattern, .. } = self;
        write!(
            f,
            "line {line}: the pattern '{pattern}' is malformed and matches nothing"
        )
    }
}

/// How many malformed patterns are kept: one message has to name them.
const MOST_MALFORMED: usize = 5;
/// How much of a malformed pattern is kept, in characters.
const LONGEST_SHOWN: usize = 100;

/// Decides which paths of a tree stay out of its artifact.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    /// The later wins.
    patterns: Vec<Pattern>,
    malformed: Vec<Malformed>,
}

/// What stands in files and objects, in contrast to the defaults.
#[derive(Default)]
struct Own {
    patterns: Vec<Pattern>,
    malformed: Vec<Malformed>,
}

impl Ignore {
    /// Leaves nothing out.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Reads every `.sourceignore` of `tree`, then `spec` (an object's `spec.ignore`), which weighs most.
    ///
    /// Any pattern of either puts the default exclusions out of force, those of version control aside
    /// (fluxcd/pkg `artifact/storage`, `SourceIgnoreFilter`).
    pub fn load(
        tree: &dyn Tree,
        defaults: Defaults,
        spec: Option<&str>,
    ) -> Result<Self, ReadError> {
        let mut own = Own::default();
        read_folder(tree, "", &mut own)?;
        own.read_lines(spec.unwrap_or_default(), None);
        Ok(Self::with(defaults, own))
    }

    /// The patterns of a text alone.
    pub fn parse(text: &str, defaults: Defaults) -> Self {
        let mut own = Own::default();
        own.read_lines(text, None);
        Self::with(defaults, own)
    }

    fn with(defaults: Defaults, own: Own) -> Self {
        let known = |list: &[&str]| {
            list.iter()
                .map(|text| Pattern::parse(text, &[]))
                .collect::<Vec<_>>()
        };
        let mut patterns = match defaults {
            Defaults::None => Vec::new(),
            Defaults::VersionControl | Defaults::Full => known(&VERSION_CONTROL),
        };
        if defaults == Defaults::Full && own.patterns.is_empty() {
            patterns.extend(known(&UNWANTED));
        }
        patterns.extend(own.patterns);
        Self {
            patterns,
            malformed: own.malformed,
        }
    }

    /// The same with the default exclusions below these patterns, whatever they are (fluxcd/pkg `sourceignore`,
    /// `NewDefaultMatcher`).
    #[must_use]
    pub fn over_defaults(self) -> Self {
        let mut defaults = Self::with(Defaults::Full, Own::default());
        defaults.patterns.extend(self.patterns);
        defaults.malformed = self.malformed;
        defaults
    }

    /// Whether there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The first of the patterns that match nothing because of how they are written.
    pub fn malformed(&self) -> &[Malformed] {
        &self.malformed
    }

    /// Whether the file or directory at `path` stays out. The root never does.
    pub fn excludes(&self, path: &str, kind: EntryKind) -> bool {
        if path.is_empty() {
            return false;
        }
        let parts: Vec<&str> = path.split('/').collect();
        let is_directory = kind == EntryKind::Directory;
        let verdict = self
            .patterns
            .iter()
            .rev()
            .find_map(|pattern| pattern.judge(&parts, is_directory));
        verdict == Some(Verdict::Exclude)
    }
}

fn read_folder(tree: &dyn Tree, folder: &str, own: &mut Own) -> Result<(), ReadError> {
    let entries = tree.entries(folder)?;
    let below = |name: &str| {
        if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        }
    };
    if entries
        .iter()
        .any(|entry| entry.name == IGNORE_FILE && entry.kind == EntryKind::File)
    {
        let content = tree.read(&below(IGNORE_FILE))?;
        own.read_lines(&String::from_utf8_lossy(&content), Some(folder));
    }
    for entry in entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Directory && entry.name != ".git")
    {
        read_folder(tree, &below(&entry.name), own)?;
    }
    Ok(())
}

impl Own {
    /// The patterns of the file in `folder`; without one those of the object, which count everywhere.
    fn read_lines(&mut self, text: &str, folder: Option<&str>) {
        let domain: Vec<&str> = folder
            .unwrap_or_default()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        for (index, line) in text.split('\n').enumerate() {
            // As Go's line scanner has it: a carriage return at the very end goes too.
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let pattern = Pattern::parse(line, &domain);
            if pattern.is_malformed() && self.malformed.len() < MOST_MALFORMED {
                let path = |folder| match folder {
                    "" => IGNORE_FILE.to_owned(),
                    folder => format!("{folder}/{IGNORE_FILE}"),
                };
                self.malformed.push(Malformed {
                    file: folder.map(path),
                    line: index + 1,
                    pattern: line.chars().take(LONGEST_SHOWN).collect(),
                });
            }
            self.patterns.push(pattern);
        }
    }
}
