//! Which files stay out of an artifact: Flux's `.sourceignore`.
//!
//! The rules are those of fluxcd/pkg `sourceignore` and its copy of go-git's `gitignore`, which differ from Git's
//! and so from the libraries for those: a pattern is tried on every path by itself (a file below an excluded
//! directory can come back), names are matched by Go's `filepath.Match`, and `**` inside a part never matches.

mod glob;
mod pattern;

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

/// Decides which paths of a tree stay out of its artifact.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    /// The later wins.
    patterns: Vec<Pattern>,
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
        let mut own = Vec::new();
        read_folder(tree, "", &mut own)?;
        read_lines(spec.unwrap_or_default(), &[], &mut own);
        Ok(Self::with(defaults, own))
    }

    /// The patterns of a text alone.
    pub fn parse(text: &str, defaults: Defaults) -> Self {
        let mut own = Vec::new();
        read_lines(text, &[], &mut own);
        Self::with(defaults, own)
    }

    fn with(defaults: Defaults, own: Vec<Pattern>) -> Self {
        let known = |list: &[&str]| {
            list.iter()
                .map(|text| Pattern::parse(text, &[]))
                .collect::<Vec<_>>()
        };
        let mut patterns = match defaults {
            Defaults::None => Vec::new(),
            Defaults::VersionControl | Defaults::Full => known(&VERSION_CONTROL),
        };
        if defaults == Defaults::Full && own.is_empty() {
            patterns.extend(known(&UNWANTED));
        }
        patterns.extend(own);
        Self { patterns }
    }

    /// The same with the default exclusions below these patterns, whatever they are (fluxcd/pkg `sourceignore`,
    /// `NewDefaultMatcher`).
    #[must_use]
    pub fn over_defaults(self) -> Self {
        let mut defaults = Self::with(Defaults::Full, Vec::new());
        defaults.patterns.extend(self.patterns);
        defaults
    }

    /// Whether there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
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

fn read_folder(
    tree: &dyn Tree,
    folder: &str,
    patterns: &mut Vec<Pattern>,
) -> Result<(), ReadError> {
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
        let domain: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        read_lines(&String::from_utf8_lossy(&content), &domain, patterns);
    }
    for entry in entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Directory && entry.name != ".git")
    {
        read_folder(tree, &below(&entry.name), patterns)?;
    }
    Ok(())
}

fn read_lines(text: &str, domain: &[&str], patterns: &mut Vec<Pattern>) {
    // As Go's line scanner has it: a carriage return at the very end goes too.
    let lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines = lines.filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    patterns.extend(lines.map(|line| Pattern::parse(line, domain)));
}
