//! The engines and limiters that the goals are stated against, each set up as its authors mean it to be.
//!
//! Whatever they leave out is in their favour: none limits rates beside deciding, none writes an audit, and
//! Cedar and casbin have simpler checks where they lack one.

mod casbin;
mod cedar;
mod governor;
mod jsonschema;
mod mpsc;
mod regorus;
mod tower_governor;

pub use self::tower_governor::bare;
use crate::harness::Item;

/// Every peer's operations.
pub fn items() -> Vec<Item> {
    [
        cedar::items(),
        regorus::items(),
        casbin::items(),
        jsonschema::items(),
        governor::items(),
        tower_governor::items(),
        mpsc::items(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
