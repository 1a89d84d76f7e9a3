//! The remote enforcer against a plane of a test's own, which says whatever it is told to.

mod agents;
mod ask;
mod bound;
mod leftover;
mod lent;
mod plane;
mod scene;
mod ship;
mod shut;
