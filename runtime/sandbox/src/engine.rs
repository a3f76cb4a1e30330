//! How the engine of each class is set up. What compiles and what runs must agree on all of this.

use crate::Error;
use crate::limits::{Class, Limits};
use wasmtime::{
    Config, Enabled, Engine, OperatorCost, OptLevel, PoolingAllocationConfig, Strategy,
};

/// Stack for the guest. Callers' threads must have at least twice that.
pub(crate) const WASM_STACK: usize = 1024 * 1024;

/// What an engine is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Compiles built-ins for any CPU of this architecture.
    Precompile,
    /// Runs built-ins that were compiled before. When `warm` is not 0, so many instances are kept warm, and `waiting`
    /// more may live at the same time.
    RunBuiltins { warm: u32, waiting: u32 },
    /// Compiles and runs tenants' plugins.
    Tenants,
}

pub(crate) fn engine(purpose: Purpose) -> Result<Engine, Error> {
    let failed = |error: wasmtime::Error| Error::Engine(error.into());
    let mut config = match purpose {
        Purpose::Precompile => {
            let mut config = common();
            compiler(&mut config);
            baseline_cpu(&mut config).map_err(failed)?;
            config
        }
        Purpose::RunBuiltins { warm, waiting } => {
            let mut config = common();
            config.enable_compiler(false);
            if warm > 0 {
                config.allocation_strategy(pool(warm, warm + waiting));
            }
            config
        }
        Purpose::Tenants => {
            let mut config = common();
            compiler(&mut config);
            config.consume_fuel(true);
            config.operator_cost(operator_cost());
            config
        }
    };
    config.epoch_interruption(true);
    Engine::new(&config).map_err(failed)
}

/// The class's interruption and the features that guests may use.
fn common() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        .concurrency_support(false)
        .wasm_tail_call(true)
        .max_wasm_stack(WASM_STACK)
        .memory_init_cow(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    config
}

fn compiler(config: &mut Config) {
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // The same bits on every machine, whatever its NaNs look like.
        .cranelift_nan_canonicalization(true);
}

/// x86-64-v2 on Intel and AMD; the architecture's minimum elsewhere. Compiled code is shipped in an image, so it must
/// not ask for what the machine that built it happened to have.
fn baseline_cpu(config: &mut Config) -> wasmtime::Result<()> {
    if cfg!(target_arch = "x86_64") {
        config.target("x86_64-unknown-linux-gnu")?;
        for flag in [
            "has_sse3",
            "has_ssse3",
            "has_sse41",
            "has_sse42",
            "has_popcnt",
            "has_cmpxchg16b",
        ] {
            #[expect(unsafe_code, reason = "wasmtime marks every Cranelift flag unsafe")]
            // SAFETY: these name CPU features only; an engine refuses to load code whose features its CPU lacks.
            unsafe {
                config.cranelift_flag_enable(flag);
            }
        }
    } else if cfg!(target_arch = "aarch64") {
        config.target("aarch64-unknown-linux-gnu")?;
    }
    Ok(())
}

fn pool(warm: u32, slots: u32) -> PoolingAllocationConfig {
    let limits = Limits::of(Class::Builtin);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots * 4)
        .total_memories(slots)
        .total_tables(slots * 4)
        .max_memories_per_component(1)
        .max_memory_size(usize::try_from(limits.memory).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(limits.table_elements).unwrap_or(usize::MAX))
        // Fresh pages are the larger part of a small call's cost; this much stays mapped, zeroed again before reuse.
        .linear_memory_keep_resident(4 * 1024 * 1024)
        // Only what was written is cleared, where the system can tell (Linux 6.7).
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(64 * 1024)
        .max_unused_warm_slots(warm);
    pool
}

/// One unit an instruction, one for each byte of a bulk operation, and growing memory is not free.
fn operator_cost() -> OperatorCost {
    let mut cost = OperatorCost::new();
    cost.variable.memory_grow_per_page = 255;
    cost
}
