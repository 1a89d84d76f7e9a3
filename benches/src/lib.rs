//! Scopegate's performance goals, measured beside the engines and limiters they are stated against.
//!
//! Absolute times mean little on a shared machine, so each goal is a ratio: ours and a peer's operation run
//! alternately in one window, and the median of the pairwise ratios counts. See [`goals`] for the goals,
//! [`harness`] for the measuring, [`workload`] for the one job that everybody is given.
//!
//! ```text
//! cargo bench -p scopegate-benches --features peers                        # every goal
//! cargo bench -p scopegate-benches --features peers -- items --instructions   # every operation alone
//! ```

pub mod goals;
pub mod harness;
pub mod ours;
#[cfg(feature = "limiters")]
pub mod peers;
pub mod plane;
pub mod report;
pub mod service;
pub mod workload;

/// Whatever stopped a set-up or a measurement, told to the person at the terminal.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is only ever printed.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every operation that can be measured: ours, the bare service, and the peers' when they are built in.
pub fn items() -> Vec<harness::Item> {
    let items = ours::items().into_iter();
    #[cfg(feature = "limiters")]
    let items = items.chain(peers::items());
    items.collect()
}
