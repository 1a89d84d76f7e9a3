//! Goals 15, 16, 17 and 20: the plane over loopback, beside servers that do less.
//!
//! Each server has one core and the load another. All are measured in turn, round by round, so that
//! what else the machine does befalls them alike; ratios are taken within a round.

mod appends;
mod load;
mod resident;
mod rows;
mod servers;

pub use self::rows::measure;
pub use self::servers::serve;
