//! The client itself: a URL, a key, and connections that are kept.

use crate::builder::ClientBuilder;
use crate::error::BuildError;
use crate::http::Http;

/// Asks a plane. Cheap to clone: clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: Http,
}

impl Client {
    pub(crate) fn new(http: Http) -> Self {
        Self { http }
    }

    /// Where the plane is.
    pub fn url(&self) -> &str {
        self.http.url()
    }

    /// How a client is made.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client from `SCOPEGATE_URL` and `SCOPEGATE_API_KEY`, or else `SCOPEBOUND_BASE_URL` and
    /// `SCOPEBOUND_API_KEY`; the plane on this machine when no URL is given.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn from_env() -> Result<Self, BuildError> {
        Self::builder().env().build()
    }
}
