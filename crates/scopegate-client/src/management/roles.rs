//! What agents may do.

use crate::client::Client;
use crate::error::ClientError;
use crate::routes;
use crate::wire::{RoleDraft, RoleView, Roles};

impl Client {
    /// All roles, by name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_roles(&self) -> Result<Vec<RoleView>, ClientError> {
        let all: Roles = self.http.ask(&routes::LIST_ROLES, &[])?.told().await?;
        Ok(all.roles)
    }

    /// A role by its id or name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_role(&self, id_or_name: &str) -> Result<RoleView, ClientError> {
        self.http.ask(&routes::GET_ROLE, &[id_or_name])?.told().await
    }

    /// A role by its name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_role_by_name(&self, name: &str) -> Result<RoleView, ClientError> {
        self.http.ask(&routes::GET_ROLE_BY_NAME, &[name])?.told().await
    }

    /// Makes a role; the draft has its `name`.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when there is one of that name, `Invalid` when it cannot be
    /// enforced as it is.
    pub async fn create_role(&self, draft: &RoleDraft) -> Result<RoleView, ClientError> {
        self.http.ask(&routes::CREATE_ROLE, &[])?.json(draft)?.told().await
    }

    /// Changes the members that the draft names. Calls that are judged once this returns are judged
    /// by the new role.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn update_role(&self, id_or_name: &str, draft: &RoleDraft) -> Result<RoleView, ClientError> {
        self.http.ask(&routes::UPDATE_ROLE, &[id_or_name])?.json(draft)?.told().await
    }

    /// Ends a role and its sessions.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when other roles inherit from it.
    pub async fn delete_role(&self, id_or_name: &str) -> Result<(), ClientError> {
        self.http.ask(&routes::DELETE_ROLE, &[id_or_name])?.answer().await?.good().map(drop)
    }
}
