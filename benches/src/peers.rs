//! The engines and limiters that the goals are stated against, each set up as its authors mean it to be.
//!
//! Whatever they leave out is in their favour: none limits rates beside deciding, none writes an audit, and
//! Cedar and casbin have simpler checks where they lack one.

#[cfg(feature = "peers")]
mod casbin;
#[cfg(feature = "peers")]
mod cedar;
mod governor;
#[cfg(feature = "peers")]
mod jsonschema;
mod mpsc;
#[cfg(feature = "peers")]
mod regorus;
mod tower_governor;

#[cfg(feature = "peers")]
pub use self::cedar::route as cedar_route;
pub use self::tower_governor::bare;
use crate::harness::Item;

/// The operations of every peer that is built in.
pub fn items() -> Vec<Item> {
    let limiters = [governor::items(), tower_governor::items(), mpsc::items()].into_iter().flatten();
    #[cfg(feature = "peers")]
    let limiters = limiters.chain(engines());
    limiters.collect()
}

#[cfg(feature = "peers")]
fn engines() -> impl Iterator<Item = Item> {
    [cedar::items(), regorus::items(), casbin::items(), jsonschema::items()].into_iter().flatten()
}
