//! This process, by the names of Prometheus's client for Go (`prometheus/process_collector.go`).

use super::registered;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

pub(super) struct Process {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    virtual_memory: Gauge,
    virtual_max: Gauge<f64, AtomicU64>,
    open_files: Gauge,
    max_files: Gauge<f64, AtomicU64>,
    threads: Gauge,
    started: Gauge<f64, AtomicU64>,
}

/// Of Linux's accounting, on every machine.
const TICKS_PER_SECOND: f64 = 100.0;

impl Process {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let r = registry;
        Self {
            cpu: registered(
                r,
                "process_cpu_seconds",
                "Total user and system CPU time spent in seconds",
                Counter::default(),
            ),
            resident: registered(
                r,
                "process_resident_memory_bytes",
                "Resident memory size in bytes",
                Gauge::default(),
            ),
            virtual_memory: registered(
                r,
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes",
                Gauge::default(),
            ),
            virtual_max: registered(
                r,
                "process_virtual_memory_max_bytes",
                "Maximum amount of virtual memory available in bytes",
                Gauge::default(),
            ),
            open_files: registered(
                r,
                "process_open_fds",
                "Number of open file descriptors",
                Gauge::default(),
            ),
            max_files: registered(
                r,
                "process_max_fds",
                "Maximum number of open file descriptors",
                Gauge::default(),
            ),
            threads: registered(
                r,
                "process_threads",
                "Number of operating system threads",
                Gauge::default(),
            ),
            started: registered(
                r,
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds",
                Gauge::default(),
            ),
        }
    }

    /// Sets what the system tells; the rest stays as it was.
    pub(super) fn look(&self) {
        self.look_at_status();
        self.look_at_times();
        self.look_at_limits();
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            self.open_files
                .set(i64::try_from(files.count()).unwrap_or(i64::MAX));
        }
    }

    fn look_at_status(&self) {
        let Ok(text) = std::fs::read_to_string("/proc/self/status") else {
            return;
        };
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let number = value.trim().trim_end_matches(" kB").parse::<i64>();
            let gauge = match name {
                "VmRSS" => &self.resident,
                "VmSize" => &self.virtual_memory,
                "Threads" => &self.threads,
                _ => continue,
            };
            let unit = if name == "Threads" { 1 } else { 1024 };
            if let Ok(number) = number {
                gauge.set(number.saturating_mul(unit));
            }
        }
    }

    fn look_at_times(&self) {
        let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
            return;
        };
        // The name of the program, in brackets, may hold spaces: fields are counted from behind it, the third first.
        let fields: Vec<f64> = text
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        let field = |number: usize| fields.get(number - 3).copied().unwrap_or_default();
        let cpu = (field(14) + field(15)) / TICKS_PER_SECOND;
        self.cpu.inc_by((cpu - self.cpu.get()).max(0.0));
        let system = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let booted = system
            .lines()
            .find_map(|line| line.strip_prefix("btime ")?.parse::<f64>().ok());
        if let Some(booted) = booted {
            self.started.set(booted + field(22) / TICKS_PER_SECOND);
        }
    }

    fn look_at_limits(&self) {
        let Ok(text) = std::fs::read_to_string("/proc/self/limits") else {
            return;
        };
        let soft = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            let value = line.split_whitespace().next()?;
            Some(value.parse::<f64>().unwrap_or(f64::INFINITY))
        };
        if let Some(files) = soft("Max open files") {
            self.max_files.set(files);
        }
        if let Some(bytes) = soft("Max address space") {
            self.virtual_max.set(bytes);
        }
    }
}
