//! An allocator that counts, when asked to.
#![allow(
    unsafe_code,
    reason = "GlobalAlloc is an unsafe trait; every method hands its call on to System unchanged"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::{Item, Meter};
use crate::Result;

/// The system's allocator. While its thread does not count, a call costs the look at one cell more.
#[derive(Debug)]
pub struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// What the thread allocates, while it is counted. Constant, so that reading it never allocates.
    static COUNT: Cell<Option<Counts>> = const { Cell::new(None) };
}

/// Allocations an operation makes on the calling thread, less those of its base.
pub fn allocations(item: &Item) -> Result<f64> {
    const OPERATIONS: u64 = 256;
    let mut meter = Meter::counting();
    (item.setup)()?(OPERATIONS, &mut meter);
    let base = item.base.as_deref().map(allocations).transpose()?;
    Ok(meter.allocations as f64 / OPERATIONS as f64 - base.unwrap_or(0.0))
}

/// What a thread allocated.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// How often it allocated or reallocated.
    times: u64,
    /// Bytes allocated and not given back.
    kept: i64,
}

/// How often `body` allocates or reallocates on this thread.
pub(super) fn counted(body: &mut dyn FnMut()) -> u64 {
    counts(body).0.times
}

/// What `body` made, and how many bytes it still held when `body` ended, as asked of the allocator: without
/// what the allocator itself adds.
pub fn kept<T>(body: impl FnOnce() -> T) -> (i64, T) {
    let (counts, made) = counts(body);
    (counts.kept, made)
}

fn counts<T>(body: impl FnOnce() -> T) -> (Counts, T) {
    COUNT.set(Some(Counts::default()));
    let made = body();
    (COUNT.take().unwrap_or_default(), made)
}

fn note(times: u64, bytes: i64) {
    if let Some(Counts { times: earlier, kept }) = COUNT.get() {
        COUNT.set(Some(Counts { times: earlier + times, kept: kept + bytes }));
    }
}

// SAFETY: System upholds the trait's contract, and gets exactly the arguments that came in.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: the caller's promise about `layout` is the one that System needs.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size as i64 - layout.size() as i64);
        // SAFETY: `at` came from System, as every block of this allocator does.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: as for `realloc`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_taken_off() -> Result<()> {
        let boxed = || Item::new("boxed", || Ok(0_u8), |state| Box::new(*state), |_| true);
        assert_eq!(allocations(&boxed())?, 1.0);
        assert_eq!(allocations(&boxed().over(boxed()))?, 0.0);
        Ok(())
    }
}
