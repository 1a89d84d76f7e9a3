//! A reference decider for Scopegate: written from the specification alone, straight-line and slow.
//!
//! [`Reference`] answers what a decision has to be; [`generate`] makes random policies, calls and whole
//! scenarios. A driver replays a [`Scenario`] on the real engine and on [`run`], and compares.

pub mod beside;
pub mod constraint;
pub mod decide;
pub mod generate;
mod grants;
mod guards;
pub mod json;
pub mod manifest;
pub mod mcp;
pub mod network;
pub mod number;
pub mod pattern;
pub mod policies;
pub mod policy;
pub mod rate;
pub mod review;
pub mod scenario;
pub mod schema;
mod story;
pub mod trust;

pub use decide::{Call, Reference};
pub use generate::{Gen, GeneratedCall};
pub use scenario::{Event, Scenario, run};
pub use story::{budgeted, scenario};
