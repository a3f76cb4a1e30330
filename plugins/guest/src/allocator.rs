//! The allocator of guests: free lists by size above [`talc`].
//!
//! Rendering makes and drops small texts and nodes by the hundred thousand, and talc alone took an eighth of a call:
//! it looks for a fitting gap and joins neighbours each time. Here a small block is taken from the list of its size, or
//! cut off a slab, and goes back to that list. What is large, or aligned to more than a step, is talc's. Small blocks
//! are never joined: a guest lives for one call.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::null_mut;

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

/// Sizes are rounded up to a multiple of this, which is also the alignment of every small block.
const STEP: usize = 16;
/// The largest small block, in bytes.
const SMALL: usize = 1024;
/// What is taken from talc for small blocks at first, in bytes; then twice as much each time. Growing the memory is a
/// call of the host's system, and what was grown is cleared after the call: few steps, and small ones for small calls.
const FIRST_SLAB: usize = 128 * 1024;
/// The largest slab.
const LAST_SLAB: usize = 1024 * 1024;

/// One guest has one thread.
pub(crate) struct Allocator {
    large: WasmDynamicTalc,
    /// The first free block of each size; each free block begins with the address of the next.
    free: [Cell<*mut u8>; SMALL / STEP],
    /// What is left of the newest slab.
    slab: Cell<(usize, usize)>,
    /// Size of the next slab, in bytes.
    next: Cell<usize>,
}

// SAFETY: components have no threads (the host offers none, `wasm_threads` and shared memories are off).
#[expect(unsafe_code, reason = "an allocator")]
unsafe impl Sync for Allocator {}

impl Allocator {
    pub(crate) const fn new() -> Self {
        Self {
            large: new_wasm_dynamic_allocator(),
            free: [const { Cell::new(null_mut()) }; SMALL / STEP],
            slab: Cell::new((0, 0)),
            next: Cell::new(FIRST_SLAB),
        }
    }

    /// The list of a layout; `None` when talc serves it.
    #[inline]
    const fn class(layout: Layout) -> Option<usize> {
        if layout.size() > SMALL || layout.align() > STEP {
            return None;
        }
        Some(layout.size().saturating_sub(1) / STEP)
    }

    /// Cuts a block off the slab, or off a new one. What is left of the old one stays unused: less than `SMALL` bytes.
    #[inline]
    fn cut(&self, class: usize) -> *mut u8 {
        let size = (class + 1) * STEP;
        let (start, end) = self.slab.get();
        if size > end - start {
            return self.cut_new(size);
        }
        self.slab.set((start + size, end));
        start as *mut u8
    }

    #[cold]
    #[inline(never)]
    fn cut_new(&self, size: usize) -> *mut u8 {
        let mut length = self.next.get();
        loop {
            let Ok(layout) = Layout::from_size_align(length, STEP) else {
                return null_mut();
            };
            #[expect(unsafe_code, reason = "an allocator")]
            // SAFETY: the layout is not empty.
            let slab = unsafe { self.large.alloc(layout) };
            if !slab.is_null() {
                let start = slab as usize;
                self.slab.set((start + size, start + length));
                self.next.set((length * 2).min(LAST_SLAB));
                return slab;
            }
            // Close to the limit of the memory a smaller one may still fit.
            if length == FIRST_SLAB {
                return null_mut();
            }
            length = FIRST_SLAB;
        }
    }
}

#[expect(unsafe_code, reason = "an allocator")]
#[expect(clippy::cast_ptr_alignment, reason = "blocks are aligned to `STEP`")]
// SAFETY: a block belongs to one owner: it is cut off a slab once, and comes back only through `dealloc`, with the layout
// that says which list it is from. All blocks of a list have the size of its class and the alignment of `STEP`, as slabs
// are aligned to it and cut in multiples of it. Everything else is talc's, by the same rule on both ways.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = Self::class(layout) else {
            return unsafe { self.large.alloc(layout) };
        };
        let list = &self.free[class];
        let block = list.get();
        if block.is_null() {
            return self.cut(class);
        }
        list.set(unsafe { block.cast::<*mut u8>().read() });
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(class) = Self::class(layout) else {
            return unsafe { self.large.dealloc(block, layout) };
        };
        let list = &self.free[class];
        unsafe { block.cast::<*mut u8>().write(list.get()) };
        list.set(block);
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (Self::class(layout), Self::class(wanted)) {
            (Some(old), Some(new)) if old == new => block,
            (None, None) => unsafe { self.large.realloc(block, layout, size) },
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    moved.copy_from_nonoverlapping(block, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }
}
