//! What MCP servers offer, changed while calls are decided.

use scopegate_core::{Catalogue, Name, PolicyError};

use super::LocalEnforcer;

impl LocalEnforcer {
    /// Registers what an MCP server offers, in the place of what was registered under its name.
    /// Decisions already begun finish with what was there. It stays when the policy is read again, also
    /// where that describes the server.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the catalogue; nothing changed.
    pub fn put_catalogue(&self, server: impl Into<Name>, catalogue: Catalogue) -> Result<(), PolicyError> {
        let mut publisher = self.inner.publisher();
        let next = publisher.put_catalogue(server.into(), catalogue)?;
        self.inner.policy.store(next);
        Ok(())
    }

    /// Forgets what an MCP server offers; false when nothing was registered. A server that nobody
    /// describes has every tool that a role allows.
    pub fn remove_catalogue(&self, server: &str) -> bool {
        let mut publisher = self.inner.publisher();
        let next = publisher.remove_catalogue(server);
        let known = next.is_some();
        next.into_iter().for_each(|next| self.inner.policy.store(next));
        known
    }
}

#[cfg(test)]
mod tests;
