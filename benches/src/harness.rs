//! Measuring one operation, or two beside each other.
//!
//! An [`Item`] is an operation with its set-up. What a [`Meter`] is shown as its region is timed, has its
//! allocations counted, and is what callgrind collects: all three figures are about the same code.

mod alloc;
mod callgrind;
mod item;
mod meter;
mod spread;
mod timing;

pub use alloc::{Counting, allocations, kept};
pub use callgrind::{collect, instructions, valgrind};
pub use item::{Item, Runner};
pub use meter::{Meter, measured_region};
pub use spread::Spread;
pub use timing::{Effort, Pair, alone, pair};
