//! Comparisons of memory, eight bytes at a time.
//!
//! Those of `compiler_builtins` for WebAssembly look at one byte after the other, and comparing names was a twentieth of
//! a render. A libc, as wasip2 has one, brings its own; these stand where there is none.

use core::ffi::c_int;

/// Negative, 0 or positive as the first `length` bytes at `left` are less than, equal to or greater than those at `right`.
///
/// # Safety
/// Both must be readable for `length` bytes.
#[expect(unsafe_code, reason = "C's memcmp, which the compiler calls")]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    let mut at = 0;
    while length - at >= size_of::<u64>() {
        // SAFETY: eight bytes from `at` lie inside of both, by the condition above; no alignment is asked for.
        let (a, b) = unsafe {
            (
                left.add(at).cast::<u64>().read_unaligned(),
                right.add(at).cast::<u64>().read_unaligned(),
            )
        };
        if a != b {
            // As texts are compared: the byte at the lowest address counts most.
            return if u64::from_be(a) < u64::from_be(b) {
                -1
            } else {
                1
            };
        }
        at += size_of::<u64>();
    }
    while at < length {
        // SAFETY: `at` lies inside of both.
        let (a, b) = unsafe { (left.add(at).read(), right.add(at).read()) };
        if a != b {
            return c_int::from(a) - c_int::from(b);
        }
        at += 1;
    }
    0
}

/// 0 when the first `length` bytes are equal.
///
/// # Safety
/// As of [`memcmp`].
#[expect(unsafe_code, reason = "C's bcmp, which the compiler calls")]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    // SAFETY: what this asks for, that asks for.
    unsafe { memcmp(left, right, length) }
}
