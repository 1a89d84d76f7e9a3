//! Other products' words. They stand here and nowhere else in this crate.

pub mod spanforge;
