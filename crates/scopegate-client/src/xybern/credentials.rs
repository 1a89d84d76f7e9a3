//! Credentials of agents.

use super::Xybern;
use super::wire::{CredentialView, Credentials, Issue, OneCredential, Reason, Rotation};
use crate::error::ClientError;
use crate::routes;

impl Xybern<'_> {
    /// The credentials of an agent that are not long over, newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_credentials(&self, agent: &str) -> Result<Vec<CredentialView>, ClientError> {
        let told: Credentials = self.client.http.ask(&routes::LIST_CREDENTIALS, &[agent])?.told().await?;
        Ok(told.credentials)
    }

    /// The credential that an agent should use.
    ///
    /// # Errors
    /// [`ClientError`]: `NotFound` when it has none.
    pub async fn get_active_credential(&self, agent: &str) -> Result<CredentialView, ClientError> {
        let told: OneCredential = self.client.http.ask(&routes::ACTIVE_CREDENTIAL, &[agent])?.told().await?;
        Ok(told.credential)
    }

    /// Makes a credential for an agent that has none to use, for 1 to 365 days or as long as is usual. Its
    /// private key is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it has one.
    pub async fn issue_credential(
        &self,
        agent: &str,
        days: Option<u64>,
    ) -> Result<CredentialView, ClientError> {
        let ask = self.client.http.ask(&routes::ISSUE_CREDENTIAL, &[agent])?;
        let told: OneCredential = ask.json(&Issue { credential_ttl_days: days })?.told().await?;
        Ok(told.credential)
    }

    /// Makes a credential that takes the place of the one in use, which stays good for a while. The private
    /// key is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rotate_credential(
        &self,
        agent: &str,
        rotation: &Rotation,
    ) -> Result<CredentialView, ClientError> {
        let ask = self.client.http.ask(&routes::ROTATE_CREDENTIAL, &[agent])?;
        let told: OneCredential = ask.json(rotation)?.told().await?;
        Ok(told.credential)
    }

    /// Ends a credential at once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_credential(
        &self,
        credential: &str,
        reason: Option<&str>,
    ) -> Result<CredentialView, ClientError> {
        let ask = self.client.http.ask(&routes::REVOKE_CREDENTIAL, &[credential])?;
        let told: OneCredential = ask.json(&Reason { reason })?.told().await?;
        Ok(told.credential)
    }
}
