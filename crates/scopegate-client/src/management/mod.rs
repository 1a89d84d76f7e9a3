//! What a plane can be asked: a method for every route.

mod audit;
mod enforce;
mod plane;
mod reviews;
mod roles;
mod servers;
mod sessions;

pub use self::audit::{ExportFormat, ExportOrder};
