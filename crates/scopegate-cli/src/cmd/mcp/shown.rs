//! A plane that does not tell what a session can see.

use async_trait::async_trait;
use scopegate_client::RemoteEnforcer;
use scopegate_core::{
    AccessRequest, Decision, EnforceError, Enforcer, Outcome, PermitId, Principal, PrincipalRef, Provision,
    ProvisionError, Provisioned, Quick, SessionId, Sessions,
};

/// Decides as the plane does. Where the plane does not tell which tools a session could ever use, as with
/// roles that list MCP servers, all are shown: what is called is decided by the plane all the same, and a
/// list of nothing would be of no use to anybody.
#[derive(Clone)]
pub(super) struct Shown(pub(super) RemoteEnforcer);

#[async_trait]
impl Enforcer for Shown {
    fn try_enforce(&self, request: &AccessRequest<'_>) -> Quick {
        self.0.try_enforce(request)
    }

    async fn enforce(&self, request: &AccessRequest<'_>) -> Result<Decision, EnforceError> {
        self.0.enforce(request).await
    }

    fn complete(&self, permit: PermitId, outcome: Outcome) {
        self.0.complete(permit, outcome);
    }

    fn wants_outcomes(&self) -> bool {
        self.0.wants_outcomes()
    }

    async fn visible(&self, principal: PrincipalRef<'_>, tools: &[&str]) -> Result<Vec<bool>, EnforceError> {
        match self.0.visible(principal, tools).await {
            Err(EnforceError::NoDecision(_)) => Ok(vec![true; tools.len()]),
            answer => answer,
        }
    }
}

#[async_trait]
impl Sessions for Shown {
    async fn provision(&self, request: Provision) -> Result<Provisioned, ProvisionError> {
        self.0.provision(request).await
    }

    async fn child(&self, parent: &Principal, request: Provision) -> Result<Provisioned, ProvisionError> {
        self.0.child(parent, request).await
    }

    async fn revoke(&self, session: SessionId) -> Result<(), ProvisionError> {
        self.0.revoke(session).await
    }
}
