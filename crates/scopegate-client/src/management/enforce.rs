//! Sessions are opened, and calls asked for: what an agent's key is for.

use crate::client::Client;
use crate::error::ClientError;
use crate::routes;
use crate::wire::{Call, EnforceBody, McpCall, McpEnforceBody, Provision, SessionToken, Token, verdict};

impl Client {
    /// Opens a session.
    ///
    /// # Errors
    /// [`ClientError`]: `NotFound` when there is no such role, or no such parent of this key's.
    pub async fn provision(&self, order: &Provision) -> Result<SessionToken, ClientError> {
        self.http.ask(&routes::PROVISION, &[])?.json(order)?.told().await
    }

    /// May this call be made, now? `Ok` is a permit, for one run of exactly this call.
    ///
    /// # Errors
    /// [`ClientError`]: `Denied` and `Pending` are verdicts, everything else is none.
    pub async fn enforce(&self, token: &Token, call: &Call) -> Result<(), ClientError> {
        let body = EnforceBody::new(token, call)?;
        verdict(self.http.ask(&routes::ENFORCE, &[])?.json(&body)?.answer().await?)
    }

    /// The same of a tool that an MCP server offers.
    ///
    /// # Errors
    /// As for [`enforce`](Self::enforce).
    pub async fn mcp_enforce(&self, token: &Token, call: &McpCall) -> Result<(), ClientError> {
        let body = McpEnforceBody::new(token, call)?;
        verdict(self.http.ask(&routes::MCP_ENFORCE, &[])?.json(&body)?.answer().await?)
    }
}
