//! What a client needs to decide by itself for a while: the scope of a session, and some of its rate.

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{Advance, Consistency, EnforceError, Name, Role, SessionId};

use super::{Failure, RoleDocument, Tenant};
use crate::auth::Caller;
use crate::store::{Epoch, SessionRow};

/// How long a client may go on without hearing that nothing has changed.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// Limits below this are not lent: what one client holds would be too much of them.
const LEAST: u64 = 16;

/// A scope, as it is lent.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) session: Arc<SessionRow>,
    /// What the session may do is no older than this.
    pub(crate) epoch: Epoch,
    /// The version of the role.
    pub(crate) version: u64,
    /// The role, then its parents, nearest first. `None` when the plane decides every call.
    pub(crate) roles: Option<Vec<Role>>,
}

/// Calls that were counted in advance.
#[derive(Debug)]
pub(crate) struct LentRate {
    pub(crate) calls: u64,
    /// The version of the role whose limits counted them.
    pub(crate) version: u64,
}

impl Tenant {
    /// The scope of a session of the caller's own key.
    pub(crate) fn lend(&self, caller: &Caller, id: SessionId) -> Result<Lent, Failure> {
        let session = self.own_session(caller, id)?;
        // Looked at first: whatever changes from here on makes it a later one.
        let epoch = self.epoch();
        let view = self.enforcer.session(id).filter(|view| !view.revoked && !view.suspended);
        let role = self.book.role_of(&session).ok_or(Failure::Unknown("role"))?;
        // Policies are asked here: no client has them, nor what an agent holds beside its role. Nor is what a
        // client permits counted on a budget.
        let alone = session.parent.is_none()
            && session.max_calls.is_none()
            && view.is_some()
            && !self.book.policies().is_asked()
            && !self.enforcer.holds_grants(&session.owner);
        let roles =
            alone.then(|| self.lineage(&role)).flatten().filter(|roles| roles.iter().all(can_be_lent));
        Ok(Lent { session, epoch, version: role.version, roles })
    }

    /// Counts calls of a session in advance, as many as its limits refill in the time of a lease.
    pub(crate) async fn lend_rate(&self, caller: &Caller, id: SessionId) -> Result<LentRate, Failure> {
        let session = self.own_session(caller, id)?;
        let version = self.book.role_of(&session).ok_or(Failure::Unknown("role"))?.version;
        let unkept = |error: EnforceError| Failure::Unavailable(error.to_string());
        let calls = self.enforcer.advance(id, Advance { span: LEASE, least: LEAST }).await.map_err(unkept)?;
        // Who counts on another version's limits must not use what was counted by these.
        let same = self.book.role_of(&session).is_some_and(|role| role.version == version);
        Ok(LentRate { calls: if same { calls } else { 0 }, version })
    }

    /// A role and its parents; `None` when one of them is gone.
    fn lineage(&self, role: &Arc<RoleDocument>) -> Option<Vec<Role>> {
        let book = self.book.roles();
        let (mut roles, mut next) = (Vec::new(), Some(role.clone()));
        while let Some(document) = next {
            let role = document.enforced();
            let parent = role.parent_role_id.clone();
            roles.push(role);
            next = match parent {
                None => None,
                Some(parent) if roles.len() <= scopegate_core::MAX_PARENTS => {
                    Some(book.find(&parent)?.clone())
                }
                Some(_) => return None,
            };
        }
        Some(roles)
    }
}

/// Whether a client has all that deciding calls of a role takes.
fn can_be_lent(role: &Role) -> bool {
    let Role { consistency, allowed_mcp_servers, mcp_server_rate_limits, min_trust_level, .. } = role;
    *consistency == Consistency::Leased
        && allowed_mcp_servers.is_empty()
        && mcp_server_rate_limits.is_empty()
        && min_trust_level.is_none() // trust is counted here
        && role.credential_mapping.is_empty()
        && role.redact_output.is_empty()
}

impl Lent {
    /// Whose sessions share rate limits with this one.
    pub(crate) fn owner(&self) -> &Name {
        &self.session.owner
    }
}
