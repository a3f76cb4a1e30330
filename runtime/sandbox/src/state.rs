//! What belongs to one call: its inputs, what it produced so far, and what it used.

use crate::call::{Attachment, Emission, LogLine};
use crate::error::Stop;
use crate::gate::{Gate, Ticket, Turn};
use crate::limits::{Limit, Limits};
use crate::remotes::Remotes;
use crate::trace::{Answer, Question, Trace};
use crate::world::World;
use crate::{Call, Diagnostic};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tidegate_values::{Digest, Pair, RemoteError, Upkeep, Verdict};
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
    /// See [`Limits::host_memory`].
    pub(crate) kept: u64,
    /// See [`Limits::input`].
    pub(crate) handed: u64,
    pub(crate) random_used: u64,
    /// What [`Call::remote`] opens, and how long it may take.
    pub(crate) remotes: Option<Arc<Remotes>>,
    /// The right to run, given back while the host waits for a remote.
    pub(crate) turn: Option<Turn>,
    /// A place in the pool of instances, to be held for longer than the store is. Left to others while the host waits
    /// for a remote, as long as a seat is free.
    pub(crate) place: Option<Turn>,
    pub(crate) seats: Option<Arc<Gate>>,
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

    /// Runs `work` with the clock of the guest stopped, and the host's running.
    pub(crate) fn host_time<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Result<T, Stop> {
        let before = Instant::now();
        let result = work(self);
        self.clock.host += before.elapsed();
        if self.clock.host > self.limits.host_time {
            return Err(Stop::Limit(Limit::HostTime));
        }
        Ok(result)
    }

    /// Asks something outside with both clocks stopped: other guests may run meanwhile, and take this one's place.
    pub(crate) fn waiting<T>(
        &mut self,
        remotes: &Remotes,
        ask: impl FnOnce(&Remotes) -> Result<T, RemoteError>,
    ) -> Result<Result<T, RemoteError>, Stop> {
        let before = Instant::now();
        let turn = self.turn.take().map(Turn::give_back);
        // Who finds no seat keeps its place: waiting for a seat in a place, while others wait for a place in their
        // seats, would have no end.
        let seat = self.seats.as_ref().and_then(Gate::try_enter);
        let place = self.place.take_if(|_| seat.is_some()).map(Turn::give_back);
        let answer = ask(remotes);
        if let Some(place) = place {
            self.place = Some(place.take_turn());
        }
        drop(seat);
        self.turn = turn.map(Ticket::take_turn);
        self.clock.waited += before.elapsed();
        if self.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        // What came with the last of the time did come.
        if matches!(answer, Err(RemoteError::Unavailable(_))) && remotes.is_exhausted() {
            return Err(Stop::Limit(Limit::Waiting));
        }
        Ok(answer)
    }

    /// Counts what the host is about to keep.
    pub(crate) fn keep(&mut self, bytes: usize) -> Result<(), Stop> {
        self.kept = self.kept.saturating_add(bytes as u64);
        if self.kept > self.limits.host_memory {
            return Err(Stop::Limit(Limit::HostMemory));
        }
        Ok(())
    }

    /// The host no longer keeps so much.
    pub(crate) fn free(&mut self, bytes: usize) {
        self.kept = self.kept.saturating_sub(bytes as u64);
    }

    /// Counts what the guest is about to be given.
    pub(crate) fn hand_over(&mut self, bytes: usize) -> Result<(), Stop> {
        self.handed = self.handed.saturating_add(bytes as u64);
        if self.handed > self.limits.input {
            return Err(Stop::Limit(Limit::Input));
        }
        Ok(())
    }

    /// Refuses a text that the host would have to remember and that names nothing.
    pub(crate) fn check_key(&self, key: &str) -> Result<(), Stop> {
        if key.len() as u64 > self.limits.key_size {
            return Err(Stop::Limit(Limit::KeySize));
        }
        Ok(())
    }

    /// Remembers a question with its answer.
    pub(crate) fn record(&mut self, question: Question, answer: Answer) -> Result<(), Stop> {
        self.record_with(question, answer, 0)
    }

    /// Remembers a question with its answer, where the host keeps so many bytes more the first time that it is asked.
    pub(crate) fn record_with(
        &mut self,
        question: Question,
        answer: Answer,
        beside: usize,
    ) -> Result<(), Stop> {
        match self.trace.record(question, answer) {
            0 => Ok(()),
            weight => self.keep(weight.saturating_add(beside)),
        }
    }

    /// Counts a document or a side file before it is kept: its own bytes, and what stands beside them.
    pub(crate) fn count_object(&mut self, bytes: usize, beside: usize) -> Result<(), Stop> {
        self.count_output(bytes, beside)?;
        if self.produced.emissions.len() + self.produced.attachments.len()
            >= self.limits.objects as usize
        {
            return Err(Stop::Limit(Limit::Objects));
        }
        Ok(())
    }

    /// Counts output before it is kept: its own bytes, and what stands beside them.
    pub(crate) fn count_output(&mut self, bytes: usize, beside: usize) -> Result<(), Stop> {
        self.produced.bytes = self.produced.bytes.saturating_add(bytes as u64);
        if self.produced.bytes > self.limits.output {
            return Err(Stop::Limit(Limit::Output));
        }
        self.keep(bytes.saturating_add(beside))
    }

    fn is_cancelled(&self) -> bool {
        let cancel = self.call.cancel.as_ref();
        cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }

    /// Is it time to end the guest? Asked at every tick of the epoch.
    pub(crate) fn overdue(&self) -> Option<Stop> {
        if self.is_cancelled() {
            return Some(Stop::Cancelled);
        }
        (self.clock.guest_time() > self.limits.wall).then_some(Stop::Limit(Limit::Wall))
    }
}

/// Time since the first guest instruction, and who had it.
#[derive(Debug, Default)]
pub(crate) struct GuestClock {
    started: Option<Instant>,
    host: Duration,
    waited: Duration,
}

impl GuestClock {
    pub(crate) fn start(&mut self) {
        self.started.get_or_insert_with(Instant::now);
    }

    pub(crate) fn guest_time(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |started| {
            started.elapsed().saturating_sub(self.host + self.waited)
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
