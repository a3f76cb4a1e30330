use crate::builtin::Builtins;
use crate::cache::Results;
use crate::compiled::CompiledCode;
use crate::engine::{self, Purpose};
use crate::error::Error;
use crate::gate::Gate;
use crate::host::wasi;
use crate::limits::{Class, Limit, Limits};
use crate::observe::{Observe, Unheard};
use crate::plugin::PluginPre;
use crate::state::CallState;
use crate::ticker::Ticker;
use crate::{bindings, inspect, world};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;
use tidegate_values::{Digest, Secret};
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

/// How a [`Sandbox`] is set up.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where the built-ins are. `None`: beside the running binary.
    pub plugins: Option<PathBuf>,
    /// Instances of built-ins kept warm. 0: each is made anew, which is best for a process that makes one call.
    pub pool: u32,
    /// Guests that may wait for remote sources without a place among those: each keeps an instance of its own.
    pub waiting: u32,
    /// Has waiting for remote sources no end but each source's own, whatever [`Limits::waiting`] says? For a process
    /// that is one person's, who can end it.
    pub waits_on: bool,
    /// Are the built-ins' digests checked before they are mapped? Costs a read of each file, once.
    pub verify: bool,
    /// Guests that may run at the same time. 0: one a core.
    pub running: usize,
    /// Bytes of results kept in memory. 0: none are.
    pub results: u64,
    /// Where compiled code of tenants' plugins is kept. `None`: in memory only.
    pub compiled: Option<CompiledCodeFolder>,
    /// Largest component taken, in bytes.
    pub wasm_size: u64,
}

/// A folder of compiled code, and the key that proves a file to be ours.
#[derive(Debug, Clone)]
pub struct CompiledCodeFolder {
    pub folder: PathBuf,
    pub key: Secret,
}

const WASM_SIZE: u64 = 16 * 1024 * 1024;
const WASM_SIZE_MAX: u64 = 64 * 1024 * 1024;

impl SandboxConfig {
    /// For a process that lives long: warm instances, kept results, checked files.
    pub fn controller() -> Self {
        Self {
            plugins: None,
            pool: 2 * u32::try_from(cores()).unwrap_or(64),
            waiting: 16,
            waits_on: false,
            verify: true,
            running: 0,
            results: 64 * 1024 * 1024,
            compiled: None,
            wasm_size: WASM_SIZE,
        }
    }

    /// For a process that makes a call and ends: the least start-up.
    pub fn command_line() -> Self {
        Self {
            plugins: None,
            pool: 0,
            waiting: 0,
            waits_on: true,
            verify: false,
            // Asking for the number of cores reads the control group's files.
            running: 1,
            results: 0,
            compiled: None,
            wasm_size: WASM_SIZE,
        }
    }
}

fn gate(turns: u32) -> Option<Arc<Gate>> {
    (turns > 0).then(|| Gate::new(usize::try_from(turns).unwrap_or(usize::MAX)))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the platform grants to a tenant's plugin beyond its input and output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grants {
    /// Remote bases through [`Call::remote`](crate::Call::remote).
    pub sources: bool,
    /// The time of the artifact.
    pub clock: bool,
    /// Bytes derived from a secret and the run.
    pub random: bool,
}

impl Grants {
    pub const ALL: Self = Self {
        sources: true,
        clock: true,
        random: true,
    };

    /// Imports that `names` has and that are not granted.
    fn missing(self, names: &[String]) -> Vec<String> {
        let granted = |name: &String| {
            let Some((interface, version)) = name.split_once('@') else {
                return false;
            };
            match interface {
                "tidegate:plugin/types"
                | "tidegate:plugin/inputs"
                | "tidegate:plugin/outputs"
                | "tidegate:plugin/pairs"
                | "tidegate:plugin/logging" => version.starts_with("0.1."),
                "tidegate:plugin/sources" => self.sources && version.starts_with("0.1."),
                "tidegate:plugin/clock" => self.clock && version.starts_with("0.1."),
                "tidegate:plugin/random" => self.random && version.starts_with("0.1."),
                other => wasi::INTERFACES.contains(&other) && version.starts_with("0.2."),
            }
        };
        names
            .iter()
            .filter(|name| !granted(name))
            .cloned()
            .collect()
    }
}

/// What all plugins of a sandbox share.
pub(crate) struct Shared {
    pub(crate) gate: Arc<Gate>,
    /// With the seats, as many as the pool has instances: a guest that has just ended keeps its instance until its
    /// store is gone.
    pub(crate) places: Option<Arc<Gate>>,
    /// For guests that wait for a remote source: they have given back their turn and their place.
    pub(crate) seats: Option<Arc<Gate>>,
    /// See [`SandboxConfig::waits_on`].
    pub(crate) waits_on: bool,
    pub(crate) ticker: Ticker,
    pub(crate) results: Option<Results>,
    pub(crate) observer: Arc<dyn Observe>,
}

/// An engine with everything that its guests may import.
struct Host {
    engine: Engine,
    linker: Linker<CallState>,
}

type Loaded = BTreeMap<(Digest, Grants), Weak<PluginPre>>;

/// Compiles, checks and keeps plugins. Cheap to share behind an [`Arc`]; all of it may be used from many threads.
pub struct Sandbox {
    config: SandboxConfig,
    builtins: Builtins,
    compiled: Option<CompiledCode>,
    builtin_host: OnceLock<Host>,
    tenant_host: OnceLock<Host>,
    ready: Mutex<BTreeMap<String, Arc<PluginPre>>>,
    loaded: Mutex<Loaded>,
    /// Held by the one plugin that is being compiled: compiling takes far more memory than running.
    compiling: Mutex<()>,
    shared: Arc<Shared>,
}

impl Sandbox {
    /// Starts nothing and compiles nothing yet.
    pub fn new(config: SandboxConfig) -> Result<Self, Error> {
        Self::observed(config, Arc::new(Unheard))
    }

    /// A sandbox that tells `observer` of its plugins and their calls.
    pub fn observed(config: SandboxConfig, observer: Arc<dyn Observe>) -> Result<Self, Error> {
        let running = if config.running == 0 {
            cores()
        } else {
            config.running
        };
        Ok(Self {
            builtins: Builtins::find(config.plugins.as_deref()),
            compiled: config
                .compiled
                .as_ref()
                .map(CompiledCode::open)
                .transpose()?,
            builtin_host: OnceLock::new(),
            tenant_host: OnceLock::new(),
            ready: Mutex::new(BTreeMap::new()),
            loaded: Mutex::new(BTreeMap::new()),
            compiling: Mutex::new(()),
            shared: Arc::new(Shared {
                gate: Gate::new(running),
                places: gate(config.pool),
                seats: gate(config.waiting),
                waits_on: config.waits_on,
                ticker: Ticker::default(),
                results: (config.results > 0).then(|| Results::new(config.results)),
                observer,
            }),
            config,
        })
    }

    /// The built-in plugin `name`, mapped from the folder that `cargo xtask plugins` filled.
    pub fn builtin(&self, name: &str) -> Result<Arc<PluginPre>, Error> {
        if let Some(plugin) = self.ready.lock().get(name) {
            return Ok(Arc::clone(plugin));
        }
        let plugin = self.tell(name, Class::Builtin, || {
            let host = self.host(Class::Builtin)?;
            let (component, digest) = self.builtins.map(&host.engine, name, self.config.verify)?;
            self.prepare(host, Class::Builtin, name, digest, &component, Grants::ALL)
        })?;
        Ok(Arc::clone(
            self.ready
                .lock()
                .entry(name.to_owned())
                .or_insert(Arc::new(plugin)),
        ))
    }

    /// Tells the observer what became of a plugin.
    fn tell(
        &self,
        name: &str,
        class: Class,
        load: impl FnOnce() -> Result<PluginPre, Error>,
    ) -> Result<PluginPre, Error> {
        let began = Instant::now();
        let loaded = load();
        let result = loaded.as_ref().map(|_| ());
        self.shared
            .observer
            .loaded(name, class, began.elapsed(), result);
        loaded
    }

    /// A tenant's plugin with nothing granted, named by its digest.
    pub fn load(&self, wasm: &[u8]) -> Result<Arc<PluginPre>, Error> {
        self.load_with(
            &format!("sha256:{}", &Digest::of(wasm).hex()[..12]),
            wasm,
            Grants::default(),
        )
    }

    /// A tenant's plugin. The same component with the same grants is compiled once, as long as somebody holds it;
    /// it keeps the first name.
    pub fn load_with(
        &self,
        name: &str,
        wasm: &[u8],
        grants: Grants,
    ) -> Result<Arc<PluginPre>, Error> {
        let digest = Digest::of(wasm);
        if let Some(plugin) = self
            .loaded
            .lock()
            .get(&(digest, grants))
            .and_then(Weak::upgrade)
        {
            return Ok(plugin);
        }
        let plugin = self.tell(name, Class::Tenant, || {
            self.check_and_compile(name, digest, wasm, grants)
        })?;
        let plugin = Arc::new(plugin);
        let mut loaded = self.loaded.lock();
        loaded.retain(|_, plugin| plugin.strong_count() > 0);
        loaded.insert((digest, grants), Arc::downgrade(&plugin));
        Ok(plugin)
    }

    fn check_and_compile(
        &self,
        name: &str,
        digest: Digest,
        wasm: &[u8],
        grants: Grants,
    ) -> Result<PluginPre, Error> {
        let limit = self.config.wasm_size.min(WASM_SIZE_MAX);
        if wasm.len() as u64 > limit {
            return Err(Error::Limit {
                limit: Limit::WasmSize,
                value: limit,
            });
        }
        inspect::check(wasm)?;
        let host = self.host(Class::Tenant)?;
        let alone = self.compiling.lock();
        let component = match &self.compiled {
            Some(compiled) => compiled.load_or_compile(&host.engine, digest, wasm)?,
            None => inspect::compile(&host.engine, wasm)?,
        };
        drop(alone);
        self.prepare(host, Class::Tenant, name, digest, &component, grants)
    }

    fn host(&self, class: Class) -> Result<&Host, Error> {
        let (place, purpose) = match class {
            Class::Builtin => (
                &self.builtin_host,
                Purpose::RunBuiltins {
                    warm: self.config.pool,
                    // Without a pool each guest has an instance of its own anyway.
                    waiting: if self.config.pool > 0 {
                        self.config.waiting
                    } else {
                        0
                    },
                },
            ),
            Class::Tenant => (&self.tenant_host, Purpose::Tenants),
        };
        if let Some(host) = place.get() {
            return Ok(host);
        }
        let engine = engine::engine(purpose)?;
        let mut linker = Linker::new(&engine);
        let failed = |error: wasmtime::Error| Error::Engine(error.into());
        bindings::Imports::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)
            .map_err(failed)?;
        if class == Class::Tenant {
            // Built-ins import nothing of WASI: a test sees to it.
            wasi::add_to_linker(&mut linker).map_err(failed)?;
        }
        let host = place.get_or_init(|| Host { engine, linker });
        self.shared.ticker.add(&host.engine);
        Ok(host)
    }

    /// Checks and links a component.
    fn prepare(
        &self,
        host: &Host,
        class: Class,
        name: &str,
        digest: Digest,
        component: &Component,
        grants: Grants,
    ) -> Result<PluginPre, Error> {
        let imports: Vec<String> = component
            .component_type()
            .imports(&host.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        let missing = grants.missing(&imports);
        if !missing.is_empty() {
            return Err(Error::Imports { imports: missing });
        }
        let (worlds, others) = world::exported(&host.engine, component);
        let [(world, interface)] = worlds.as_slice() else {
            let found = worlds
                .into_iter()
                .map(|(_, name)| name)
                .chain(others)
                .collect();
            return Err(Error::World { found });
        };
        inspect::check_resources(component, Limits::of(class))?;
        let pre = host
            .linker
            .instantiate_pre(component)
            // An interface of ours, but with a function that this host does not have, or has otherwise.
            .map_err(|error| Error::Imports {
                imports: vec![format!("{error:#}")],
            })?;
        let find = |function: &str| {
            let instance = component.get_export_index(None, interface.as_str())?;
            component.get_export_index(Some(&instance), function)
        };
        let found = |function: &str| {
            find(function).ok_or_else(|| Error::World {
                found: vec![format!("{interface} without `{function}`")],
            })
        };
        Ok(PluginPre {
            name: name.to_owned(),
            digest,
            class,
            world: *world,
            run: found(world.function())?,
            describe: found("describe")?,
            deterministic: OnceLock::new(),
            needs_run_key: imports.iter().any(|name| {
                name.starts_with("tidegate:plugin/random@") || name.starts_with("wasi:random/")
            }),
            imports,
            pre,
            shared: Arc::clone(&self.shared),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Sandbox, SandboxConfig};
    use crate::Error;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    #[test]
    fn an_error_has_its_cause_as_its_source() {
        let sandbox = Sandbox::new(SandboxConfig::controller()).expect("sandbox");
        let error = sandbox
            .load(b"\0asm\x0d\0\x01\0\xff")
            .expect_err("it is cut");
        assert!(matches!(error, Error::Compile(_)), "{error}");
        let cause = std::error::Error::source(&error)
            .expect("a cause")
            .to_string();
        assert_eq!(cause, "failed to parse WebAssembly module");
        assert!(!error.to_string().contains(&cause), "{error}");
    }

    #[test]
    fn one_plugin_is_compiled_at_a_time() {
        let sandbox = Sandbox::new(SandboxConfig::controller()).expect("sandbox");
        let wasm = wat::parse_str("(component)").expect("it parses");
        let compile = || sandbox.load(&wasm).map(|_| ());
        // The engine is there from now on: what is waited for below is the lock alone.
        assert!(matches!(compile(), Err(Error::World { .. })));
        let (done, is_done) = channel();
        std::thread::scope(|scope| {
            let alone = sandbox.compiling.lock();
            scope.spawn(|| done.send(compile()));
            let early = is_done.recv_timeout(Duration::from_secs(1));
            assert!(matches!(early, Err(RecvTimeoutError::Timeout)));
            drop(alone);
            let late = is_done.recv_timeout(Duration::from_secs(30));
            assert!(matches!(late, Ok(Err(Error::World { .. }))));
        });
    }
}
