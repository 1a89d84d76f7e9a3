//! How clients of other systems speak to the plane. Their words stay in here.

pub(crate) mod scopebound;
