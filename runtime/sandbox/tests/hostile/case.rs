//! Reads `cases/*.wat`: lines `;; key: value`, then the module.

use crate::harness::Bounds;
use crate::suite::BOUNDS;
use std::path::Path;
use std::time::Duration;
use tidegate_sandbox::Limits;

/// The version of the contract that this host has.
pub(crate) const CONTRACT: &str = "0.1.0";

pub(crate) struct Case {
    pub(crate) name: String,
    /// What must happen to a tenant's plugin.
    pub(crate) tenant: String,
    /// What must happen when it runs as a built-in; empty: not tried.
    pub(crate) builtin: String,
    /// For loading and calling it.
    pub(crate) bounds: Bounds,
    pub(crate) limits: Vec<(String, u64)>,
    pub(crate) logs: Vec<String>,
    /// Parts of the error's text.
    pub(crate) says: Vec<String>,
    /// The world of `wit/wasi.wit` that it is of.
    pub(crate) world: String,
    /// The version of the contract that it is made for.
    pub(crate) contract: String,
    /// What that version has changed: texts of the contract, and what stands there instead.
    pub(crate) edits: Vec<(String, String)>,
    /// Asks it to describe itself instead of to render.
    pub(crate) describes: bool,
    /// More lines than the log keeps are written, and these many at least dropped.
    pub(crate) dropped: u64,
    pub(crate) module: String,
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/cases");
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .expect("cases")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
        paths.sort();
        assert!(paths.len() > 30, "cases are missing");
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a case");
        let mut case = Self {
            name: path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            tenant: String::new(),
            builtin: String::new(),
            bounds: BOUNDS,
            limits: Vec::new(),
            logs: Vec::new(),
            says: Vec::new(),
            world: "hostile".to_owned(),
            contract: CONTRACT.to_owned(),
            edits: Vec::new(),
            describes: false,
            dropped: 0,
            module: String::new(),
        };
        for line in text.lines() {
            let Some(header) = line.strip_prefix(";; ") else {
                case.module.push_str(line);
                case.module.push('\n');
                continue;
            };
            let (key, value) = header
                .split_once(": ")
                .unwrap_or_else(|| panic!("{}: `{line}`", case.name));
            match key {
                "about" => {}
                "tenant" => case.tenant = value.to_owned(),
                "builtin" => case.builtin = value.to_owned(),
                "both" => (case.tenant, case.builtin) = (value.to_owned(), value.to_owned()),
                "within" => {
                    case.bounds.within = Duration::from_secs(value.parse().expect("seconds"));
                }
                "memory" => case.bounds.memory = value.parse::<u64>().expect("MiB") << 20,
                "world" => case.world = value.to_owned(),
                "contract" => case.contract = value.to_owned(),
                "edit" => {
                    let (old, new) = value.split_once(" => ").expect("old => new");
                    case.edits.push((old.to_owned(), new.to_owned()));
                }
                "asks" => {
                    assert_eq!(value, "describe", "{}", case.name);
                    case.describes = true;
                }
                "dropped" => case.dropped = value.parse().expect("lines"),
                "log" => case.logs.push(value.to_owned()),
                "says" => case.says.push(value.to_owned()),
                "limits" => {
                    for limit in value.split(' ') {
                        let (name, value) = limit.split_once('=').expect("name=value");
                        case.limits
                            .push((name.to_owned(), value.parse().expect("a number")));
                    }
                }
                other => panic!("{}: unknown key `{other}`", case.name),
            }
        }
        assert!(
            !case.tenant.is_empty() || !case.builtin.is_empty(),
            "{}: nothing is expected",
            case.name
        );
        case
    }

    pub(crate) fn limits(&self, defaults: &Limits) -> Limits {
        let mut limits = defaults.clone();
        if limits.fuel.is_some() {
            // What is counted must run out first, however slow the machine is.
            limits.wall = Limits::TENANT_MAX.wall;
        }
        for (name, value) in &self.limits {
            match name.as_str() {
                // Fuel must run out first, however slow the machine is.
                "builtin_wall_ms" if limits.fuel.is_some() => {}
                "wall_ms" | "builtin_wall_ms" => limits.wall = Duration::from_millis(*value),
                "fuel" => limits.fuel = limits.fuel.map(|_| *value),
                "memory" => limits.memory = *value,
                "output" => limits.output = *value,
                "handles" => limits.handles = u32::try_from(*value).expect("a small number"),
                "host_calls" => limits.host_calls = *value,
                "host_memory" => limits.host_memory = *value,
                other => panic!("{}: unknown limit `{other}`", self.name),
            }
        }
        limits
    }
}
