use std::fmt;
use std::time::Duration;

/// How far a plugin is trusted, and with it how it is interrupted and what it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Ships with Tidegate: interrupted by epochs, generous limits.
    Builtin,
    /// Somebody else's: interrupted by fuel, which is deterministic, and by epochs as a safety net.
    Tenant,
}

/// A limit that a plugin can run into. The names are stable: they label metrics and stand in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    WasmSize,
    FunctionSize,
    Nesting,
    Memory,
    Tables,
    TableElements,
    Memories,
    Instances,
    Stack,
    Fuel,
    Wall,
    HostCallBytes,
    Handles,
    FileSize,
    Output,
    Objects,
    ObjectSize,
    Diagnostics,
    HostCalls,
    HostMemory,
    HostTime,
    Waiting,
    Input,
    KeySize,
    Random,
}

impl Limit {
    /// Every limit, for tests and for registering metrics.
    pub const ALL: &[Self] = &[
        Self::WasmSize,
        Self::FunctionSize,
        Self::Nesting,
        Self::Memory,
        Self::Tables,
        Self::TableElements,
        Self::Memories,
        Self::Instances,
        Self::Stack,
        Self::Fuel,
        Self::Wall,
        Self::HostCallBytes,
        Self::Handles,
        Self::FileSize,
        Self::Output,
        Self::Objects,
        Self::ObjectSize,
        Self::Diagnostics,
        Self::HostCalls,
        Self::HostMemory,
        Self::HostTime,
        Self::Waiting,
        Self::Input,
        Self::KeySize,
        Self::Random,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WasmSize => "wasm_size",
            Self::FunctionSize => "function_size",
            Self::Nesting => "nesting",
            Self::Memory => "memory",
            Self::Tables => "tables",
            Self::TableElements => "table_elements",
            Self::Memories => "memories",
            Self::Instances => "instances",
            Self::Stack => "stack",
            Self::Fuel => "fuel",
            Self::Wall => "wall",
            Self::HostCallBytes => "host_call_bytes",
            Self::Handles => "handles",
            Self::FileSize => "file_size",
            Self::Output => "output",
            Self::Objects => "objects",
            Self::ObjectSize => "object_size",
            Self::Diagnostics => "diagnostics",
            Self::HostCalls => "host_calls",
            Self::HostMemory => "host_memory",
            Self::HostTime => "host_time",
            Self::Waiting => "waiting",
            Self::Input => "input",
            Self::KeySize => "key_size",
            Self::Random => "random",
        }
    }

    /// Would the same input run into it again, on any machine?
    pub const fn is_deterministic(self) -> bool {
        !matches!(self, Self::Wall | Self::HostTime | Self::Waiting)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const MIB: u64 = 1024 * 1024;

/// What one call may use. Sizes are in bytes.
///
/// Nothing here bounds look-ups of cluster objects: no interface of the contract makes any. Their limits come with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Sum over all linear memories of the component.
    pub memory: u64,
    pub tables: u32,
    /// Elements of one table.
    pub table_elements: u64,
    pub memories: u32,
    /// Core instances inside the component.
    pub instances: u32,
    /// Units of fuel; bulk operations cost by the byte. `None`: epochs alone.
    pub fuel: Option<u64>,
    /// Time in the guest: the host's answers are left out.
    pub wall: Duration,
    /// Time that the host's answers take together, without [`Limits::waiting`].
    pub host_time: Duration,
    /// Time that the host waits for remote sources, together. Not where [`SandboxConfig::waits_on`] is set.
    ///
    /// [`SandboxConfig::waits_on`]: crate::SandboxConfig::waits_on
    pub waiting: Duration,
    /// Bytes that the guest hands to the host in one host call.
    pub host_call_bytes: u64,
    /// Resource handles alive at the same time.
    pub handles: u32,
    /// One file read whole; `read-range` goes past it.
    pub file_size: u64,
    /// All emitted and attached bytes.
    pub output: u64,
    /// Emitted documents and attachments.
    pub objects: u32,
    /// One emitted document.
    pub object_size: u64,
    pub diagnostics: u32,
    pub host_calls: u64,
    /// Everything that the host keeps because of the guest: its output with what is said of it, its questions with
    /// their texts, what its locators open, and its handles. The log has limits of its own.
    pub host_memory: u64,
    /// All content handed to the guest: files, listings, manifests, objects, configuration.
    pub input: u64,
    /// One text by which the guest names what it asks for: an alias, a fact, an API, a locator. Paths have a fixed
    /// limit: longer ones are denied.
    pub key_size: u64,
    /// Random bytes handed out.
    pub random: u64,
    /// Bytes of log kept; more is dropped and counted.
    pub log: u64,
    pub log_lines: u32,
    /// Longer lines are cut.
    pub log_line: u64,
}

impl Limits {
    /// Limits of built-in plugins. They are their own maximum.
    pub const BUILTIN: Self = Self {
        memory: 1024 * MIB,
        tables: 16,
        table_elements: 100_000,
        memories: 8,
        instances: 32,
        fuel: None,
        wall: Duration::from_mins(2),
        host_time: Duration::from_mins(2),
        waiting: Duration::from_mins(10),
        host_call_bytes: 64 * MIB,
        handles: 100_000,
        file_size: 64 * MIB,
        output: 128 * MIB,
        objects: 100_000,
        object_size: 64 * MIB,
        diagnostics: 10_000,
        host_calls: 10_000_000,
        host_memory: 512 * MIB,
        input: 4096 * MIB,
        key_size: 64 * 1024,
        random: 64 * 1024,
        log: MIB,
        log_lines: 10_000,
        log_line: 4096,
    };

    /// What a tenant's plugin gets when nothing else is said.
    pub const TENANT: Self = Self {
        memory: 128 * MIB,
        tables: 16,
        table_elements: 100_000,
        memories: 8,
        instances: 32,
        fuel: Some(5_000_000_000),
        wall: Duration::from_secs(10),
        host_time: Duration::from_secs(30),
        waiting: Duration::from_mins(2),
        host_call_bytes: 16 * MIB,
        handles: 10_000,
        file_size: 16 * MIB,
        output: 32 * MIB,
        objects: 20_000,
        // etcd takes no more in one request.
        object_size: 3 * MIB,
        diagnostics: 10_000,
        host_calls: 100_000,
        host_memory: 64 * MIB,
        input: 512 * MIB,
        key_size: 4096,
        random: 64 * 1024,
        log: 256 * 1024,
        log_lines: 2000,
        log_line: 4096,
    };

    /// The most that a policy can grant to a tenant's plugin.
    pub const TENANT_MAX: Self = Self {
        memory: 512 * MIB,
        fuel: Some(50_000_000_000),
        wall: Duration::from_mins(1),
        host_time: Duration::from_mins(2),
        waiting: Duration::from_mins(10),
        host_memory: 256 * MIB,
        input: 4096 * MIB,
        ..Self::TENANT
    };

    /// What a plugin gets to say what it is: a text that does not depend on anything.
    pub fn describing(class: Class) -> Self {
        let limits = Self::of(class);
        Self {
            // A fiftieth of the time below, so that it ends by what is the same everywhere, on a busy machine too.
            fuel: limits.fuel.map(|_| 20_000_000),
            wall: Duration::from_secs(1),
            host_calls: 1000,
            ..limits.clone()
        }
    }

    /// The defaults of a class.
    pub const fn of(class: Class) -> &'static Self {
        match class {
            Class::Builtin => &Self::BUILTIN,
            Class::Tenant => &Self::TENANT,
        }
    }

    /// These limits, none above the hard maximum of the class.
    #[must_use]
    pub fn capped(&self, class: Class) -> Self {
        let max = match class {
            Class::Builtin => &Self::BUILTIN,
            Class::Tenant => &Self::TENANT_MAX,
        };
        Self {
            memory: self.memory.min(max.memory),
            tables: self.tables.min(max.tables),
            table_elements: self.table_elements.min(max.table_elements),
            memories: self.memories.min(max.memories),
            instances: self.instances.min(max.instances),
            fuel: match (self.fuel, max.fuel) {
                (Some(own), Some(max)) => Some(own.min(max)),
                (own, max) => max.or(own),
            },
            wall: self.wall.min(max.wall),
            host_time: self.host_time.min(max.host_time),
            waiting: self.waiting.min(max.waiting),
            host_call_bytes: self.host_call_bytes.min(max.host_call_bytes),
            handles: self.handles.min(max.handles),
            file_size: self.file_size.min(max.file_size),
            output: self.output.min(max.output),
            objects: self.objects.min(max.objects),
            object_size: self.object_size.min(max.object_size),
            diagnostics: self.diagnostics.min(max.diagnostics),
            host_calls: self.host_calls.min(max.host_calls),
            host_memory: self.host_memory.min(max.host_memory),
            input: self.input.min(max.input),
            key_size: self.key_size.min(max.key_size),
            random: self.random.min(max.random),
            log: self.log.min(max.log),
            log_lines: self.log_lines.min(max.log_lines),
            log_line: self.log_line.min(max.log_line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Limit, Limits};
    use std::time::Duration;

    #[test]
    fn caps_at_the_hard_maximum() {
        let greedy = Limits {
            memory: u64::MAX,
            tables: u32::MAX,
            table_elements: u64::MAX,
            memories: u32::MAX,
            instances: u32::MAX,
            fuel: None,
            wall: Duration::MAX,
            host_time: Duration::MAX,
            waiting: Duration::MAX,
            host_call_bytes: u64::MAX,
            handles: u32::MAX,
            file_size: u64::MAX,
            output: u64::MAX,
            objects: u32::MAX,
            object_size: u64::MAX,
            diagnostics: u32::MAX,
            host_calls: u64::MAX,
            host_memory: u64::MAX,
            input: u64::MAX,
            key_size: u64::MAX,
            random: u64::MAX,
            log: u64::MAX,
            log_lines: u32::MAX,
            log_line: u64::MAX,
        };
        let frugal = Limits {
            fuel: Some(1),
            wall: Duration::from_millis(1),
            output: 1,
            ..Limits::TENANT
        };
        assert_eq!(frugal.capped(Class::Tenant), frugal);
        assert_eq!(greedy.capped(Class::Builtin), Limits::BUILTIN);
        let capped = greedy.capped(Class::Tenant);
        assert_eq!(capped, Limits::TENANT_MAX);
        assert_eq!(Limits::BUILTIN.capped(Class::Builtin), Limits::BUILTIN);
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::BTreeSet<_> =
            Limit::ALL.iter().map(|limit| limit.name()).collect();
        assert_eq!(names.len(), Limit::ALL.len());
    }
}
