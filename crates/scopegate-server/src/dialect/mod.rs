//! How clients speak to the plane: our own protocol, and those of other systems, whose words stay in here.

pub(crate) mod native;
pub(crate) mod scopebound;
mod session;
pub(crate) mod xybern;
