//! What belongs to one call: its inputs, what it produced so far, and what it used.

use crate::call::{Attachment, Emission, LogLine};
use crate::error::Stop;
use crate::gate::Turn;
use crate::limits::{Limit, Limits};
use crate::trace::Trace;
use crate::world::World;
use crate::{Call, Diagnostic};
use std::time::{Duration, Instant};
use tidegate_values::{Digest, Pair, Upkeep, Verdict};
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;

/// The store's data.
pub(crate) struct CallState {
    pub(crate) table: ResourceTable,
    pub(crate) call: Call,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) world: World,
    pub(crate) limits: Limits,
    /// Names this run: the same for the same plugin, configuration and input.
    pub(crate) run_key: Digest,
    pub(crate) memory: MemoryUse,
    pub(crate) clock: GuestClock,
    pub(crate) produced: Produced,
    pub(crate) trace: Trace,
    pub(crate) host_calls: u64,
    pub(crate) random_used: u64,
    /// The right to run, given back while the host waits for a remote.
    pub(crate) turn: Option<Turn>,
}

/// What the guest gave.
#[derive(Default)]
pub(crate) struct Produced {
    pub(crate) emissions: Vec<Emission>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) judgements: Vec<Judging>,
    pub(crate) bytes: u64,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) log_bytes: u64,
    pub(crate) log_dropped: u64,
    /// The last message that the guest's panic hook sent.
    pub(crate) last_error: Option<String>,
    /// A line of WASI's stdout or stderr that has no end yet.
    pub(crate) partial_line: Vec<u8>,
}

/// What was said of one pair so far.
#[derive(Clone, Default)]
pub(crate) struct Judging {
    pub(crate) verdict: Option<(Verdict, Vec<String>)>,
    pub(crate) left_alone: Vec<(String, Upkeep)>,
}

impl CallState {
    /// Counts a host call.
    pub(crate) fn enter(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls {
            return Err(Stop::Limit(Limit::HostCalls).into());
        }
        Ok(())
    }

    /// Runs `work` with the clock of the guest stopped.
    pub(crate) fn host_time<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = Instant::now();
        let result = work(self);
        self.clock.host += before.elapsed();
        result
    }

    /// Like [`CallState::host_time`] for work that waits for something outside: another guest may run meanwhile.
    pub(crate) fn waiting<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.host_time(|state| {
            let turn = state.turn.take().map(Turn::give_back);
            let result = work(state);
            state.turn = turn.map(crate::gate::Ticket::take_turn);
            result
        })
    }

    /// Counts `bytes` of output, before they are kept.
    pub(crate) fn count_output(&mut self, bytes: usize) -> Result<(), Stop> {
        self.produced.bytes = self.produced.bytes.saturating_add(bytes as u64);
        if self.produced.bytes > self.limits.output {
            return Err(Stop::Limit(Limit::Output));
        }
        if self.produced.emissions.len() + self.produced.attachments.len()
            >= self.limits.objects as usize
        {
            return Err(Stop::Limit(Limit::Objects));
        }
        Ok(())
    }

    /// Is it time to end the guest? Asked at every tick of the epoch.
    pub(crate) fn overdue(&self) -> Option<Stop> {
        if self
            .call
            .cancel
            .as_ref()
            .is_some_and(|cancel| cancel.load(std::sync::atomic::Ordering::Relaxed))
        {
            return Some(Stop::Cancelled);
        }
        (self.clock.guest_time() > self.limits.wall).then_some(Stop::Limit(Limit::Wall))
    }
}

/// Time since the first guest instruction, without the time in the host.
#[derive(Debug, Default)]
pub(crate) struct GuestClock {
    started: Option<Instant>,
    host: Duration,
}

impl GuestClock {
    pub(crate) fn start(&mut self) {
        self.started.get_or_insert_with(Instant::now);
    }

    pub(crate) fn guest_time(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |started| {
            started.elapsed().saturating_sub(self.host)
        })
    }
}

/// Sums what each memory and table grew to. A guest that asks for too much ends: it must not depend on how much
/// the machine has.
#[derive(Debug)]
pub(crate) struct MemoryUse {
    max_memory: u64,
    max_elements: u64,
    instances: usize,
    tables: usize,
    memories: usize,
    memory: u64,
    pub(crate) peak: u64,
}

impl MemoryUse {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            max_memory: limits.memory,
            max_elements: limits.table_elements,
            instances: limits.instances as usize,
            tables: limits.tables as usize,
            memories: limits.memories as usize,
            memory: 0,
            peak: 0,
        }
    }
}

impl ResourceLimiter for MemoryUse {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .memory
            .saturating_add(desired.saturating_sub(current) as u64);
        if total > self.max_memory {
            return Err(Stop::Limit(Limit::Memory).into());
        }
        self.memory = total;
        self.peak = self.peak.max(total);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // The machine, or the component's own maximum: not the same everywhere unless it ends here.
        tracing::debug!(%error, "a plugin's memory could not grow");
        Err(Stop::Limit(Limit::Memory).into())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired as u64 > self.max_elements {
            return Err(Stop::Limit(Limit::TableElements).into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
