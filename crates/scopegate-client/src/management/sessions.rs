//! Who acts, and an end to it.

use crate::client::Client;
use crate::error::ClientError;
use crate::routes;
use crate::wire::{SessionView, Sessions};

impl Client {
    /// Sessions that are not long over, newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_sessions(&self) -> Result<Vec<SessionView>, ClientError> {
        let all: Sessions = self.http.ask(&routes::LIST_SESSIONS, &[])?.told().await?;
        Ok(all.sessions)
    }

    /// A session. An agent's key sees its own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_session(&self, id: &str) -> Result<SessionView, ClientError> {
        self.http.ask(&routes::GET_SESSION, &[id])?.told().await
    }

    /// Ends a session and those of its sub-agents. When this returns, no call of theirs is permitted
    /// any more. Ending it twice is fine.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke(&self, id: &str, reason: &str) -> Result<(), ClientError> {
        let ask = self.http.ask(&routes::REVOKE, &[id])?.query(&[("reason", reason)]);
        ask.answer().await?.good().map(drop)
    }

    /// Stops everyone who acts for an owner, now and later.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn suspend(&self, owner: &str) -> Result<(), ClientError> {
        self.http.ask(&routes::SUSPEND, &[owner])?.answer().await?.good().map(drop)
    }

    /// Lets them act again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn readmit(&self, owner: &str) -> Result<(), ClientError> {
        self.http.ask(&routes::READMIT, &[owner])?.answer().await?.good().map(drop)
    }
}
