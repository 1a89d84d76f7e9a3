//! The client against a plane that runs as a process of its own, and against what is none.

mod escalations;
mod every_route;
mod strangers;
mod tenants;
mod tls;
mod webhooks;
mod xybern;

use std::path::Path;

use scopegate_client::Client;
use tempfile::TempDir;

use crate::served::{Plane, key, key_of};

/// A plane in a folder of its own.
struct Served {
    folder: TempDir,
    plane: Plane,
}

impl Served {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plane = Plane::start_with(folder.path(), more);
        Self { folder, plane }
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    /// A client with a new key of this kind, of the default tenant.
    fn client(&self, kind: &str) -> Client {
        self.with(&key(self.data(), kind))
    }

    fn client_of(&self, tenant: &str, kind: &str) -> Client {
        self.with(&key_of(self.data(), tenant, kind))
    }

    fn with(&self, key: &str) -> Client {
        Client::builder().url(&self.plane.url).api_key(key).build().expect("a client")
    }
}
