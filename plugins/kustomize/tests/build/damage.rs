//! Cases of kustomize with mistakes in them, the same in every run. The sandbox's tests build them too.

use std::fmt::Write as _;

/// What lines are replaced by, and texts changed to.
const WORDS: &[&str] = &[
    "null",
    "~",
    "",
    "[]",
    "{}",
    "''",
    "\"\"",
    "0",
    "-1",
    "1e999",
    ".inf",
    ".nan",
    "9223372036854775808",
    "true",
    "yes",
    "*a",
    "&a",
    "&a [*a]",
    "<<: *a",
    "!!binary ZZ",
    "!!int x",
    "? [a]",
    "- - - x",
    "|",
    ">-",
    "---",
    "...",
    "\t",
    "\u{7f}",
    "\u{2028}",
    "\u{feff}",
    "\u{1F600}",
    "kind: List",
    "kind: ConfigMapList",
    "kind: Component",
    "items:",
    "metadata:",
    "name: a",
    "namespace: ''",
    "$patch: delete",
    "$patch: replace",
    "$patch: none",
    "resources: [.]",
    "resources: [..]",
    "resources: [a.yaml, a.yaml]",
    "components: [../app]",
    "bases: [base]",
    "namePrefix: '$(A)'",
    "nameSuffix: ''",
    "namespace: ns",
    "commonLabels: {a: b}",
    "labels: [{pairs: {a: b}, includeSelectors: true}]",
    "configMapGenerator: [{name: a, behavior: merge, literals: [a=b]}]",
    "secretGenerator: [{name: a, files: [a.yaml]}]",
    "vars: [{name: A, objref: {kind: ConfigMap, name: a, apiVersion: v1}}]",
    "images: [{name: '.*', newTag: x}]",
    "replacements: [{source: {kind: ConfigMap}, targets: [{select: {kind: .*}, fieldPaths: ['*.*', data.[k=v].x]}]}]",
    "patches: [{patch: '[{\"op\": \"copy\", \"from\": \"\", \"path\": \"/data/k\"}]', target: {kind: ConfigMap}}]",
    "openapi: {path: a.yaml}",
    "crds: [a.yaml]",
    "configurations: [a.yaml]",
    "transformers: [.]",
    "generators: [a.yaml]",
    "validators: [a.yaml]",
    "a.[b].c",
    "data.0.1",
    "metadata/labels[]/x",
    "[name=(]",
    "(a",
    "a{1000}{1000}",
    "%s%n",
    "../..",
    "/",
    "/build",
    "https://example.com/x?ref=y",
    "spec:\n  template:\n    spec:\n      containers: [{name: a}, {name: a}, {}]",
];

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or(0) % limit.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The files of a build, and the folder to build.
#[derive(Clone)]
pub(crate) struct Input {
    pub(crate) files: Vec<(String, String)>,
    /// Below the root of the files.
    pub(crate) target: String,
}

impl Input {
    /// Of a case's text (`cases.rs` says how it is written).
    pub(crate) fn of(case: &str) -> Self {
        let mut input = Self {
            files: Vec::new(),
            target: String::new(),
        };
        for section in format!("\n{case}").split("\n-- ").skip(1) {
            let Some((name, content)) = section.split_once(" --\n") else {
                continue;
            };
            match name {
                "target" => content.trim().clone_into(&mut input.target),
                "flags" => {}
                name if name.starts_with("expected") => {}
                path => input.files.push((path.to_owned(), format!("{content}\n"))),
            }
        }
        input
    }

    pub(crate) fn show(&self) -> String {
        let mut text = format!("-- target --\n{}\n", self.target);
        for (path, content) in &self.files {
            let _ = writeln!(text, "-- {path} --\n{content}");
        }
        text
    }

    pub(crate) fn damage(&mut self, others: &[Input], random: &mut Random) {
        for _ in 0..=random.below(4) {
            let at = random.below(self.files.len());
            let other = random.pick(others);
            let other = random.pick(&other.files).1.clone();
            let (_, content) = &mut self.files[at];
            *content = damage(content, &other, random);
        }
        if random.below(20) == 0 {
            let (from, to) = (
                random.below(self.files.len()),
                random.below(self.files.len()),
            );
            self.files[to].1 = self.files[from].1.clone();
        }
    }
}

fn damage(text: &str, other: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return random.pick(WORDS).to_string();
    }
    let at = random.below(lines.len());
    let indent: String = lines[at].chars().take_while(|c| *c == ' ').collect();
    match random.below(11) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(at, lines[random.below(lines.len())].clone()),
        2 => {
            let with = random.below(lines.len());
            lines.swap(at, with);
        }
        3 => lines.insert(at, format!("{indent}{}", random.pick(WORDS))),
        4 => {
            // Another value of the field.
            let word = random.pick(WORDS);
            lines[at] = match lines[at].split_once(": ") {
                Some((key, _)) => format!("{key}: {word}"),
                None => format!("{} {word}", lines[at]),
            };
        }
        5 => lines[at] = format!("  {}", lines[at]),
        6 => {
            lines[at].drain(..indent.len());
        }
        7 => {
            let taken: Vec<&str> = other.lines().collect();
            let from = random.below(taken.len());
            let count = random.below(6);
            for line in taken.iter().skip(from).take(count).rev() {
                lines.insert(at, format!("{indent}{}", line.trim_start()));
            }
        }
        8 => {
            // One character.
            let characters: Vec<char> = lines[at].chars().collect();
            let place = random.below(characters.len());
            let new = *random.pick(&[
                '{', '[', ']', ':', '-', '"', '\'', '#', '&', '*', '|', ',', ' ', '\u{e9}',
            ]);
            lines[at] = characters
                .iter()
                .enumerate()
                .map(|(i, c)| if i == place { new } else { *c })
                .collect();
        }
        9 => {
            // Deep.
            let depth = 1 << random.below(12);
            let open = random.pick(&["[", "{a: ", "- "]).repeat(depth);
            lines[at] = format!("{indent}a: {open}");
        }
        _ => {
            // A word of another file.
            let from: Vec<&str> = other.split_whitespace().collect();
            let to: Vec<&str> = lines[at].split_whitespace().collect();
            if let (false, false) = (from.is_empty(), to.is_empty()) {
                let (old, new) = (
                    to[random.below(to.len())].to_owned(),
                    from[random.below(from.len())],
                );
                lines[at] = lines[at].replacen(&old, new, 1);
            }
        }
    }
    lines.join("\n") + "\n"
}
