use crate::bindings::tidegate::plugin::types;
use crate::call::{CallReport, Usage};
use crate::error::{Failure, Stop};
use crate::gate::{Gate, Turn};
use crate::host::inputs::RequestHandle;
use crate::host::outputs::SinkHandle;
use crate::host::pairs::PairHandle;
use crate::host::wasi;
use crate::limits::{Class, Limit, Limits};
use crate::observe::Ended;
use crate::remotes::Remotes;
use crate::sandbox::Shared;
use crate::state::{CallState, GuestClock, Judging, MemoryUse, Produced};
use crate::world::World;
use crate::{Call, LogLevel, cache};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tidegate_values::{Digest, Judgement, Pair};
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower, Resource, ResourceTable,
};
use wasmtime::{Store, Trap, UpdateDeadline};

/// A plugin that is compiled, checked and linked: all that can be done once. Calls share nothing through it.
pub struct PluginPre {
    pub(crate) name: String,
    pub(crate) digest: Digest,
    pub(crate) class: Class,
    pub(crate) world: World,
    pub(crate) imports: Vec<String>,
    /// It can ask for something that is derived from the run.
    pub(crate) needs_run_key: bool,
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) run: ComponentExportIndex,
    pub(crate) describe: ComponentExportIndex,
    /// Is it a pure function of its recorded input, by its own word? Asked before a result is looked for or kept.
    pub(crate) deterministic: OnceLock<bool>,
    pub(crate) shared: Arc<Shared>,
}

impl fmt::Debug for PluginPre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginPre")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .field("class", &self.class)
            .field("world", &self.world)
            .finish_non_exhaustive()
    }
}

/// What a plugin says of itself.
pub use types::Description;

type Outcome = Result<(), types::Failure>;

impl PluginPre {
    /// What messages call it: the name of a built-in, or the digest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Digest of the WebAssembly component.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn class(&self) -> Class {
        self.class
    }

    pub fn world(&self) -> World {
        self.world
    }

    /// The interfaces that it imports, with versions: exactly what it can do.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Files in, manifests out. Blocks; call it on a thread that may, with a stack of 2 MiB or more.
    pub fn render(&self, call: Call) -> CallReport {
        self.cached(World::Render, call)
    }

    /// Manifests in, manifests out. Blocks, as [`PluginPre::render`] does.
    pub fn transform(&self, call: Call) -> CallReport {
        self.cached(World::Transform, call)
    }

    /// Manifests in, diagnostics out. Blocks, as [`PluginPre::render`] does.
    pub fn validate(&self, call: Call) -> CallReport {
        self.cached(World::Validate, call)
    }

    /// Judges every pair. Blocks, as [`PluginPre::render`] does. Never kept: live objects are not in the trace.
    pub fn compare(&self, call: Call, pairs: Vec<Pair>) -> CallReport {
        let mut call = call;
        let remotes = self.remotes(&mut call);
        self.run(World::Compare, call, pairs, remotes)
    }

    /// Asks the plugin what it is, with nothing granted and little to spend: [`Limits::describing`].
    pub fn describe(&self) -> Result<Description, Failure> {
        const EXPORT: &str = "describe";
        let began = Instant::now();
        let place = self.place();
        self.shared.observer.began(self, EXPORT);
        let call = Call {
            limits: Some(Limits::describing(self.class)),
            ..Call::default()
        };
        let mut store = self.store(call, Vec::new(), Digest::of(b""), None, place);
        let result = self
            .guarded(&mut store, |store| {
                let instance = self.pre.instantiate(&mut *store)?;
                let function =
                    instance.get_typed_func::<(), (Description,)>(&mut *store, &self.describe)?;
                Ok(function.call(&mut *store, ())?.0)
            })
            .map_err(|error| self.failure(&mut store, &error));
        let fuel_left = store.get_fuel().ok();
        let usage = usage(&store.into_data(), fuel_left, began);
        let ended = Ended {
            failure: result.as_ref().err(),
            usage: &usage,
        };
        self.shared.observer.ended(self, EXPORT, &ended);
        let said = match &result {
            Ok(description) => Some(description.deterministic),
            Err(failure) => failure.is_deterministic().then_some(false),
        };
        if let Some(said) = said {
            // The same is said each time: whoever asked first has written it down.
            let _ = self.deterministic.set(said);
        }
        result
    }

    /// One that can't say what it is has not said that its results may be kept; one that had no time to is asked again.
    fn is_deterministic(&self) -> bool {
        if let Some(said) = self.deterministic.get() {
            return *said;
        }
        self.describe()
            .is_ok_and(|description| description.deterministic)
    }

    fn cached(&self, world: World, mut call: Call) -> CallReport {
        let remotes = self.remotes(&mut call);
        // A function that the plugin does not have says nothing of the one that it has.
        let results = self.shared.results.as_ref();
        let results = results.filter(|_| world == self.world && self.is_deterministic());
        let Some(results) = results else {
            return self.run(world, call, Vec::new(), remotes);
        };
        let key = cache::Key::of(self, &call, results);
        if let Some(report) = results.find(&key, &call) {
            self.shared.observer.reused(self, world.function());
            return report;
        }
        let report = self.run(world, call, Vec::new(), remotes);
        results.keep(key, &report);
        report
    }

    /// Bounds the remote source of `call`. What kept results are held against is what the guest will meet.
    fn remotes(&self, call: &mut Call) -> Option<Arc<Remotes>> {
        let source = call.remote.take()?;
        let longest = if self.shared.waits_on {
            Duration::MAX
        } else {
            self.limits(call).waiting
        };
        let remotes = Arc::new(Remotes::new(source, longest, call.cancel.as_ref()));
        call.remote = Some(Arc::clone(&remotes) as _);
        Some(remotes)
    }

    fn run(
        &self,
        world: World,
        call: Call,
        pairs: Vec<Pair>,
        remotes: Option<Arc<Remotes>>,
    ) -> CallReport {
        let began = Instant::now();
        let run_key = cache::run_key(self, &call);
        let count = pairs.len();
        let place = self.place();
        self.shared.observer.began(self, world.function());
        let mut store = self.store(call, pairs, run_key, remotes, place);
        let outcome = if world == self.world {
            let result = self.guarded(&mut store, |store| self.invoke(store, world, count));
            self.outcome(&mut store, result)
        } else {
            let message = format!("it has no `{}`", world.function());
            Err(Failure::Contract {
                plugin: self.name.clone(),
                message,
            })
        };
        let fuel_left = store.get_fuel().ok();
        let mut state = store.into_data();
        wasi::flush_line(&mut state, LogLevel::Info);
        let judgements = std::mem::take(&mut state.produced.judgements);
        let judgements = outcome.and_then(|()| self.judgements(judgements));
        let (outcome, judgements) = match judgements {
            Ok(judgements) => (Ok(()), judgements),
            Err(failure) => (Err(failure), Vec::new()),
        };
        let usage = usage(&state, fuel_left, began);
        let ended = Ended {
            failure: outcome.as_ref().err(),
            usage: &usage,
        };
        self.shared.observer.ended(self, world.function(), &ended);
        CallReport {
            outcome,
            emissions: state.produced.emissions,
            diagnostics: state.produced.diagnostics,
            attachments: state.produced.attachments,
            judgements,
            trace: state.trace,
            usage,
            logs: state.produced.logs,
            cached: false,
        }
    }

    /// Waits for a place in the pool of instances.
    fn place(&self) -> Option<Turn> {
        self.shared.places.as_ref().map(Gate::enter)
    }

    /// What `call` may use.
    fn limits(&self, call: &Call) -> Limits {
        let limits = call.limits.as_ref();
        let mut limits = limits.unwrap_or(Limits::of(self.class)).capped(self.class);
        if self.class == Class::Builtin {
            limits.fuel = None;
        }
        limits
    }

    fn store(
        &self,
        call: Call,
        pairs: Vec<Pair>,
        run_key: Digest,
        remotes: Option<Arc<Remotes>>,
        place: Option<Turn>,
    ) -> Store<CallState> {
        let limits = self.limits(&call);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        let produced = Produced {
            judgements: vec![Judging::default(); pairs.len()],
            ..Produced::default()
        };
        let state = CallState {
            table,
            call,
            pairs,
            world: self.world,
            run_key,
            memory: MemoryUse::new(&limits),
            clock: GuestClock::default(),
            produced,
            trace: crate::Trace::default(),
            host_calls: 0,
            kept: 0,
            handed: 0,
            random_used: 0,
            remotes,
            turn: None,
            place,
            seats: self.shared.seats.clone(),
            limits,
        };
        Store::new(self.pre.engine(), state)
    }

    /// Sets every limit of the store, waits for a turn, and runs `work`.
    fn guarded<T>(
        &self,
        store: &mut Store<CallState>,
        work: impl FnOnce(&mut Store<CallState>) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        store.limiter(|state| &mut state.memory);
        let (host_call_bytes, handles, fuel) = {
            let limits = &store.data().limits;
            (limits.host_call_bytes, limits.handles, limits.fuel)
        };
        store.set_hostcall_fuel(usize::try_from(host_call_bytes).unwrap_or(usize::MAX));
        store.set_max_component_handles(handles as usize);
        if let Some(fuel) = fuel {
            store.set_fuel(fuel)?;
        }
        store.epoch_deadline_callback(|store| match store.data().overdue() {
            Some(stop) => Err(stop.into()),
            None => Ok(UpdateDeadline::Continue(1)),
        });
        store.data_mut().turn = Some(self.shared.gate.enter());
        let _running = self
            .shared
            .ticker
            .run()
            .map_err(|error| Stop::Host(format!("epoch thread: {error}")))?;
        store.set_epoch_deadline(1);
        if let Some(stop) = store.data().overdue() {
            return Err(stop.into());
        }
        store.data_mut().clock.start();
        let result = work(store);
        store.data_mut().turn = None;
        result
    }

    fn invoke(
        &self,
        store: &mut Store<CallState>,
        world: World,
        pairs: usize,
    ) -> wasmtime::Result<Outcome> {
        let instance = self.pre.instantiate(&mut *store)?;
        let request = store.data_mut().table.push(RequestHandle)?;
        if world == World::Compare {
            let pairs: Vec<Resource<PairHandle>> = (0..pairs)
                .map(|index| store.data_mut().table.push(PairHandle(index)))
                .collect::<Result<_, _>>()?;
            self.call_export(store, instance, (borrow(&request), pairs))
        } else {
            let sink = store.data_mut().table.push(SinkHandle)?;
            self.call_export(store, instance, (borrow(&request), borrow(&sink)))
        }
    }

    fn call_export<P>(
        &self,
        store: &mut Store<CallState>,
        instance: wasmtime::component::Instance,
        parameters: P,
    ) -> wasmtime::Result<Outcome>
    where
        P: ComponentNamedList + Lower,
        (Outcome,): Lift,
    {
        let function = instance.get_typed_func::<P, (Outcome,)>(&mut *store, &self.run)?;
        Ok(function.call(&mut *store, parameters)?.0)
    }

    fn outcome(
        &self,
        store: &mut Store<CallState>,
        result: wasmtime::Result<Outcome>,
    ) -> Result<(), Failure> {
        let plugin = || self.name.clone();
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(types::Failure::InvalidInput(diagnostics))) => {
                Err(Failure::InvalidInput(diagnostics))
            }
            Ok(Err(types::Failure::Internal(message))) => Err(Failure::Internal {
                plugin: plugin(),
                message,
            }),
            Ok(Err(types::Failure::Unavailable(message))) => Err(Failure::Unavailable {
                plugin: plugin(),
                message,
            }),
            Err(error) => Err(self.failure(store, &error)),
        }
    }

    /// Sorts out why a guest ended early.
    fn failure(&self, store: &mut Store<CallState>, error: &wasmtime::Error) -> Failure {
        let plugin = self.name.clone();
        let limits = &store.data().limits;
        let over = |limit: Limit| Failure::Limit {
            plugin: self.name.clone(),
            limit,
            value: value_of(limit, limits),
        };
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return match stop {
                Stop::Limit(limit) => over(*limit),
                Stop::Host(reason) => Failure::Host(reason.clone()),
                Stop::Contract(message) => Failure::Contract {
                    plugin,
                    message: message.clone(),
                },
                Stop::Cancelled => Failure::Cancelled { plugin },
                Stop::Exit { success } => {
                    let message = format!(
                        "it exited with {}",
                        if *success { "success" } else { "failure" }
                    );
                    Failure::Contract { plugin, message }
                }
            };
        }
        if let Some(wasmtime::component::ResourceTableError::Full) = error.downcast_ref() {
            return over(Limit::Handles);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => over(Limit::Fuel),
            Some(Trap::StackOverflow) => over(Limit::Stack),
            Some(trap) => {
                let panic = store.data().produced.last_error.clone();
                Failure::Trap {
                    plugin,
                    message: panic.unwrap_or_else(|| trap.to_string()),
                }
            }
            None => over_by_text(error).map_or_else(
                || Failure::Trap {
                    plugin,
                    message: error.root_cause().to_string(),
                },
                over,
            ),
        }
    }

    fn judgements(&self, judged: Vec<Judging>) -> Result<Vec<Judgement>, Failure> {
        let whole = judged.into_iter().map(|judging| {
            let (verdict, pointers) = judging.verdict?;
            Some(Judgement {
                verdict,
                pointers,
                left_alone: judging.left_alone,
            })
        });
        whole
            .collect::<Option<_>>()
            .ok_or_else(|| Failure::Contract {
                plugin: self.name.clone(),
                message: "it judged only some of the pairs".to_owned(),
            })
    }
}

fn usage(state: &CallState, fuel_left: Option<u64>, began: Instant) -> Usage {
    Usage {
        fuel: state
            .limits
            .fuel
            .zip(fuel_left)
            .map(|(given, left)| given.saturating_sub(left)),
        peak_memory: state.memory.peak,
        wall: began.elapsed(),
        guest_time: state.clock.guest_time(),
        host_calls: state.host_calls,
        output: state.produced.bytes,
        log_dropped: state.produced.log_dropped,
    }
}

fn borrow<T: 'static>(resource: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(resource.rep())
}

/// Overruns for which wasmtime has no type of their own.
fn over_by_text(error: &wasmtime::Error) -> Option<Limit> {
    let text = format!("{error:#}");
    [
        ("fuel allocated for hostcalls", Limit::HostCallBytes),
        ("store handle limit exceeded", Limit::Handles),
        ("limit exceeded: instance count", Limit::Instances),
        ("limit exceeded: memory count", Limit::Memories),
        ("limit exceeded: table count", Limit::Tables),
    ]
    .into_iter()
    .find_map(|(part, limit)| text.contains(part).then_some(limit))
}

fn value_of(limit: Limit, limits: &Limits) -> String {
    let bytes = |bytes: u64| format!("{bytes} bytes");
    match limit {
        Limit::Memory => bytes(limits.memory),
        Limit::Tables => limits.tables.to_string(),
        Limit::TableElements => limits.table_elements.to_string(),
        Limit::Memories => limits.memories.to_string(),
        Limit::Instances => limits.instances.to_string(),
        Limit::Stack => bytes(crate::engine::WASM_STACK as u64),
        Limit::Fuel => limits.fuel.unwrap_or_default().to_string(),
        Limit::Wall => seconds(limits.wall),
        Limit::HostCallBytes => bytes(limits.host_call_bytes),
        Limit::Handles => limits.handles.to_string(),
        Limit::FileSize => bytes(limits.file_size),
        Limit::Output => bytes(limits.output),
        Limit::Objects => limits.objects.to_string(),
        Limit::ObjectSize => bytes(limits.object_size),
        Limit::Diagnostics => limits.diagnostics.to_string(),
        Limit::HostCalls => limits.host_calls.to_string(),
        Limit::HostMemory => bytes(limits.host_memory),
        Limit::HostTime => seconds(limits.host_time),
        Limit::Waiting => seconds(limits.waiting),
        Limit::Input => bytes(limits.input),
        Limit::KeySize => bytes(limits.key_size),
        Limit::Random => bytes(limits.random),
        Limit::WasmSize | Limit::FunctionSize | Limit::Nesting => "a fixed size".to_owned(),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
