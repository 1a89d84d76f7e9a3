//! The two clocks that a lease is measured with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scopegate_core::Timestamp;
use scopegate_engine::{Clock, SystemClock};

/// Tells the time, and how much of it has passed.
pub trait Clocks: Send + Sync + 'static {
    /// The wall clock, which may be set.
    fn wall(&self) -> Timestamp;

    /// Time since any fixed start; never runs backwards.
    fn monotonic(&self) -> Duration;
}

/// The system's clocks, read to the kernel's last tick where that is cheaper.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClocks;

impl SystemClocks {
    /// The system's clocks.
    pub const fn new() -> Self {
        Self
    }
}

impl Clocks for SystemClocks {
    #[inline]
    fn wall(&self) -> Timestamp {
        SystemClock::new().now()
    }

    #[cfg(target_os = "linux")]
    #[inline]
    fn monotonic(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        let part = |part: i64| u64::try_from(part).unwrap_or_default();
        Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
    }

    #[cfg(not(target_os = "linux"))]
    fn monotonic(&self) -> Duration {
        use std::sync::LazyLock;
        use std::time::Instant;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// Clocks that stand still until they are moved, each by itself: for tests.
#[derive(Debug)]
pub struct ManualClocks {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl ManualClocks {
    /// Clocks that stand at this time.
    pub const fn new(now: Timestamp) -> Self {
        Self { wall: AtomicU64::new(now.nanos()), monotonic: AtomicU64::new(1_000_000_000) }
    }

    /// Moves both forward, as time does.
    pub fn advance(&self, length: Duration) {
        self.tick(length);
        self.set_wall(self.wall().after(length));
    }

    /// Moves the monotonic clock alone.
    pub fn tick(&self, length: Duration) {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        self.monotonic.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Sets the wall clock alone, also back.
    pub fn set_wall(&self, now: Timestamp) {
        self.wall.store(now.nanos(), Ordering::Relaxed);
    }
}

impl Clocks for ManualClocks {
    fn wall(&self) -> Timestamp {
        Timestamp::from_nanos(self.wall.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic.load(Ordering::Relaxed))
    }
}

/// The wall clock, for the engine.
pub(super) struct Wall(pub(super) std::sync::Arc<dyn Clocks>);

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        self.0.wall()
    }
}
