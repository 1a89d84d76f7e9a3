//! The only wall clock of the enforcer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scopegate_core::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's wall clock.
///
/// On Linux it is read to the kernel's last tick, 1 to 10 ms ago: a quarter of the price of the exact
/// time. It steps forward tick by tick and never tells a time that has not come. So hours, expiries
/// and rate limits are exact on this clock, and a session may live one tick longer, or a call of a
/// full limit pass one tick earlier, than a stopwatch would have it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The system's wall clock.
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    #[cfg(target_os = "linux")]
    fn now(&self) -> Timestamp {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        let nanos = u64::try_from(time.tv_sec).unwrap_or_default().saturating_mul(SECOND);
        Timestamp::from_nanos(nanos.saturating_add(u64::try_from(time.tv_nsec).unwrap_or_default()))
    }

    #[cfg(not(target_os = "linux"))]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let nanos = since.as_secs().saturating_mul(SECOND);
        Timestamp::from_nanos(nanos.saturating_add(since.subsec_nanos().into()))
    }
}

const SECOND: u64 = 1_000_000_000;

/// A clock that stands still until it is moved: for tests and for replaying recorded calls.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at this time.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.nanos()))
    }

    /// Moves it forward.
    pub fn advance(&self, length: Duration) {
        self.set(self.now().after(length));
    }

    /// Moves it anywhere, also back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.nanos(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// Time that never runs backwards: an expiry that has happened stays happened when the wall clock
/// is set back.
pub(crate) struct Monotone {
    clock: Box<dyn Clock>,
    highest: AtomicU64,
}

/// How far time may seem to run back without a write to the shared mark.
const GRAIN: u64 = 1_000_000;

impl Monotone {
    pub(crate) fn new(clock: Box<dyn Clock>) -> Self {
        Self { clock, highest: AtomicU64::new(0) }
    }

    /// Time was at least this late already, in an earlier process.
    pub(crate) fn not_before(&self, latest: Timestamp) {
        self.highest.fetch_max(latest.nanos(), Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now().nanos();
        let highest = self.highest.load(Ordering::Relaxed);
        match now.checked_sub(highest) {
            Some(ahead) => {
                if ahead > GRAIN {
                    // At most one write a millisecond, so readers do not fight over the mark.
                    self.highest.fetch_max(now, Ordering::Relaxed);
                }
                Timestamp::from_nanos(now)
            }
            None if highest - now <= GRAIN => Timestamp::from_nanos(highest),
            // The clock was set back. Nothing later than this has been told, so nothing revives.
            None => Timestamp::from_nanos(highest.saturating_add(GRAIN)),
        }
    }
}
