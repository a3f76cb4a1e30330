//! What a call costs: `cargo bench -p tidegate-sandbox`, which `cargo xtask bench` runs too. Prints one JSON object a
//! figure, in microseconds. The best of many rounds counts, so that figures can be compared from run to run on a busy
//! machine. Native and sandboxed take turns round by round, and the median of their ratios counts: whatever slows the
//! machine down slows both. `-- TEXT` takes only the figures whose names hold the text, for a profiler to look at.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the figures, and which of them are asked for"
)]

use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate_kustomize::{FileError, FileType, Files, Options, Remote};
use tidegate_sandbox::{Call, Manifest, PluginPre, Sandbox, SandboxConfig};
use tidegate_values::{Digest, Entry, EntryKind, ReadError, Tree};

const OBJECTS: usize = 200;

/// One folder of files, which knows their digests as an artifact does.
struct Folder {
    files: BTreeMap<String, Bytes>,
    digests: BTreeMap<String, Digest>,
}

impl Folder {
    fn new() -> Self {
        let mut files = BTreeMap::new();
        let mut kustomization = "namespace: team\nnamePrefix: a-\nresources:\n".to_owned();
        for index in 0..OBJECTS {
            let _ = writeln!(kustomization, "- object-{index}.yaml");
            let text = format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: object-{index}\n  labels: {{app: demo}}\ndata:\n  number: \"{index}\"\n  text: some words\n"
            );
            files.insert(format!("object-{index}.yaml"), Bytes::from(text));
        }
        files.insert("kustomization.yaml".to_owned(), Bytes::from(kustomization));
        let digest = |(name, bytes): (&String, &Bytes)| (name.clone(), Digest::of(bytes));
        Self {
            digests: files.iter().map(digest).collect(),
            files,
        }
    }

    fn find(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path.trim_start_matches('/'))
    }
}

impl Tree for Folder {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        self.find(path).cloned().ok_or(ReadError::NotFound)
    }

    fn digest(&self, path: &str) -> Result<Digest, ReadError> {
        self.digests.get(path).copied().ok_or(ReadError::NotFound)
    }

    fn entries(&self, _: &str) -> Result<Vec<Entry>, ReadError> {
        let entry = |(name, bytes): (&String, &Bytes)| Entry {
            name: name.clone(),
            kind: EntryKind::File,
            size: bytes.len() as u64,
        };
        Ok(self.files.iter().map(entry).collect())
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        let name = path.to_owned();
        if path.is_empty() {
            return Ok(Some(Entry {
                name,
                kind: EntryKind::Directory,
                size: 0,
            }));
        }
        Ok(self.find(path).map(|bytes| Entry {
            name,
            kind: EntryKind::File,
            size: bytes.len() as u64,
        }))
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let missing = || FileError::NotFound {
            operation: "open",
            path: path.to_owned(),
        };
        self.find(path)
            .map(|bytes| bytes.to_vec())
            .ok_or_else(missing)
    }

    fn entries(&self, _: &str) -> Result<Vec<tidegate_kustomize::Entry>, FileError> {
        let entry = |name: &String| tidegate_kustomize::Entry {
            name: name.clone(),
            file_type: FileType::File,
        };
        Ok(self.files.keys().map(entry).collect())
    }

    fn stat(&self, path: &str) -> Result<FileType, FileError> {
        match (path, self.find(path)) {
            ("/", _) => Ok(FileType::Directory),
            (_, Some(_)) => Ok(FileType::File),
            (_, None) => Err(FileError::NotFound {
                operation: "stat",
                path: path.to_owned(),
            }),
        }
    }

    fn real_path(&self, path: &str) -> Result<String, FileError> {
        Files::stat(self, path).map(|_| path.to_owned())
    }

    fn remote(&self, locator: &str) -> Result<Remote, FileError> {
        Err(FileError::Other(locator.to_owned()))
    }
}

/// Whether a figure is asked for.
fn is_wanted(name: &str) -> bool {
    let wanted = std::env::args().skip(1).find(|text| !text.starts_with('-'));
    wanted.is_none_or(|text| name.contains(&text))
}

fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// With one digit after the point.
fn microseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}

/// The best of `rounds`, if the figure is asked for.
fn measure(name: &str, rounds: usize, mut work: impl FnMut()) {
    if !is_wanted(name) {
        return;
    }
    let best = (0..rounds).map(|_| time(&mut work)).min();
    println!(
        "{}",
        json!({"case": name, "best_us": best.map(microseconds)})
    );
}

/// The best of `rounds` of each, and the median of what `sandboxed` takes for each second of `native` right before it.
fn compare(name: &str, rounds: usize, mut native: impl FnMut(), mut sandboxed: impl FnMut()) {
    if !is_wanted(name) {
        return;
    }
    let pairs: Vec<(Duration, Duration)> = (0..rounds)
        .map(|_| (time(&mut native), time(&mut sandboxed)))
        .collect();
    let ratio =
        |(native, sandboxed): &(Duration, Duration)| sandboxed.as_secs_f64() / native.as_secs_f64();
    let mut ratios: Vec<f64> = pairs.iter().map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "{}",
        json!({
            "case": name,
            "best_us": pairs.iter().map(|(_, sandboxed)| *sandboxed).min().map(microseconds),
            "native_best_us": pairs.iter().map(|(native, _)| *native).min().map(microseconds),
            "median_ratio": ratios.get(ratios.len() / 2).map(|ratio| (ratio * 100.0).round() / 100.0),
        })
    );
}

/// As the controller has it, but that each call is made.
fn uncached() -> SandboxConfig {
    SandboxConfig {
        results: 0,
        ..SandboxConfig::controller()
    }
}

/// A built-in plugin in a sandbox of its own.
fn builtin(config: SandboxConfig, name: &str) -> Arc<PluginPre> {
    let sandbox = Sandbox::new(config).expect("sandbox");
    sandbox
        .builtin(name)
        .expect("run `cargo xtask plugins` first")
}

/// Many builds at once: what another thread is worth.
fn crowd() {
    const AT_ONCE: usize = 8;
    let kustomize = builtin(uncached(), "kustomize");
    let tree: Arc<dyn Tree> = Arc::new(Folder::new());
    let build = || {
        let report = kustomize.render(Call {
            source: Some(Arc::clone(&tree)),
            ..Call::default()
        });
        assert_eq!(report.outcome, Ok(()));
    };
    measure(&format!("{AT_ONCE} builds, one by one"), 20, || {
        (0..AT_ONCE).for_each(|_| build());
    });
    measure(&format!("{AT_ONCE} builds, at once"), 20, || {
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(build);
            }
        });
    });
}

/// The same build by the engine as a library and as a plugin.
fn against_native() {
    let kustomize = builtin(uncached(), "kustomize");
    let folder = Folder::new();
    let tree: Arc<dyn Tree> = Arc::new(Folder::new());
    compare(
        &format!("kustomize of {OBJECTS} objects, sandboxed against native"),
        60,
        || {
            let built =
                tidegate_kustomize::build(&folder, "/", &Options::default()).expect("it builds");
            assert_eq!(built.resources.len(), OBJECTS);
        },
        || {
            let report = kustomize.render(Call {
                source: Some(Arc::clone(&tree)),
                ..Call::default()
            });
            assert_eq!(report.outcome, Ok(()));
            assert_eq!(report.emissions.len(), OBJECTS);
        },
    );
}

fn main() {
    for (class, config) in [
        ("pooled", uncached()),
        ("on demand", SandboxConfig::command_line()),
    ] {
        let sandbox = Sandbox::new(config).expect("sandbox");
        let substitute = sandbox
            .builtin("substitute")
            .expect("run `cargo xtask plugins` first");
        measure(&format!("empty call, {class}"), 2000, || {
            let report = substitute.transform(Call {
                manifests: Vec::<Manifest>::new(),
                ..Call::default()
            });
            assert_eq!(report.outcome, Ok(()));
        });
        let kustomize = sandbox
            .builtin("kustomize")
            .expect("run `cargo xtask plugins` first");
        let tree: Arc<dyn Tree> = Arc::new(Folder::new());
        measure(
            &format!("kustomize of {OBJECTS} objects, {class}"),
            30,
            || {
                let report = kustomize.render(Call {
                    source: Some(Arc::clone(&tree)),
                    ..Call::default()
                });
                assert_eq!(report.outcome, Ok(()));
                assert_eq!(report.emissions.len(), OBJECTS);
            },
        );
    }
    crowd();
    against_native();
    measure("start to first call, on demand", 30, || {
        let substitute = builtin(SandboxConfig::command_line(), "substitute");
        assert_eq!(substitute.transform(Call::default()).outcome, Ok(()));
    });
}
