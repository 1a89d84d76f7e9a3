//! What MCP servers offer.

use scopegate_core::Catalogue;

use crate::client::Client;
use crate::error::ClientError;
use crate::routes;
use crate::wire::{ServerSummary, ServerView, Servers};

impl Client {
    /// Every MCP server that was registered, by name, without its tools' schemas.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_servers(&self) -> Result<Vec<ServerSummary>, ClientError> {
        let all: Servers = self.http.ask(&routes::LIST_SERVERS, &[])?.told().await?;
        Ok(all.servers)
    }

    /// What was registered for an MCP server.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_server(&self, name: &str) -> Result<ServerView, ClientError> {
        self.http.ask(&routes::GET_SERVER, &[name])?.told().await
    }

    /// Registers what an MCP server offers, in the place of what was registered. Calls that are judged
    /// once this returns are judged by it.
    ///
    /// # Errors
    /// [`ClientError`]: `Invalid` when it cannot be enforced as it is.
    pub async fn put_server(&self, name: &str, catalogue: &Catalogue) -> Result<ServerView, ClientError> {
        self.http.ask(&routes::PUT_SERVER, &[name])?.json(catalogue)?.told().await
    }

    /// Forgets what an MCP server offers. A server that nobody describes has every tool that a role
    /// allows.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_server(&self, name: &str) -> Result<(), ClientError> {
        self.http.ask(&routes::DELETE_SERVER, &[name])?.answer().await?.good().map(drop)
    }
}
