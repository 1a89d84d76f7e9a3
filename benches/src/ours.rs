//! Scopegate's own operations, under the names that [`crate::goals`] looks for.

mod agent;
mod constraints;
mod decisions;
mod layer;
mod memory;
mod remote;
mod scale;
mod threads;

pub use self::memory::{Footprint, footprint};
pub use self::threads::gain;
use crate::harness::Item;

/// Every operation of ours.
pub fn items() -> Vec<Item> {
    [decisions::items(), constraints::items(), layer::items(), scale::items(), remote::items()]
        .into_iter()
        .flatten()
        .collect()
}
