//! The region of code that is measured.

use std::time::{Duration, Instant};

use super::alloc;

/// Adds up what the regions it is shown cost. What happens between two regions is left out.
#[derive(Debug, Default)]
pub struct Meter {
    counting: bool,
    /// The time spent in regions.
    pub elapsed: Duration,
    /// The allocations made in regions, if they are counted.
    pub allocations: u64,
}

impl Meter {
    /// A meter that times.
    pub fn timing() -> Self {
        Self::default()
    }

    /// A meter that counts allocations, which slows the region down.
    pub fn counting() -> Self {
        Self { counting: true, ..Self::default() }
    }

    /// Runs and measures `body`.
    pub fn region(&mut self, body: &mut dyn FnMut()) {
        if self.counting {
            self.allocations += alloc::counted(body);
        } else {
            let start = Instant::now();
            measured_region(body);
            self.elapsed += start.elapsed();
        }
    }
}

/// Runs `body` in a frame of its own, the one that `callgrind --toggle-collect=measured_region` collects.
#[allow(unsafe_code, reason = "callgrind finds the frame by its plain name; nothing else here is called so")]
#[unsafe(no_mangle)]
#[inline(never)]
pub fn measured_region(body: &mut dyn FnMut()) {
    body();
    std::hint::black_box(());
}
