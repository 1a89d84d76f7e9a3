//! What a decision came from, as a digest that another enforcer can check.

use scopegate_core::{AccessRequest, Decision, Role, Scope, ScopeSource, VerdictDigest};

use super::LocalEnforcer;
use crate::snapshot::Publisher;

impl LocalEnforcer {
    /// The digest of a decision on this request, by the rules in force now: ask before they change. `None`
    /// for a session that nobody knows, or whose role is gone.
    ///
    /// Another enforcer with the same rules, at the same version, that answers the same request in the
    /// same way has the same digest. This takes a lock, copies rules and hashes: it is for checking.
    pub fn digest(&self, request: &AccessRequest<'_>, decision: &Decision) -> Option<VerdictDigest> {
        // Taken first: while it is held the policy in force is the one that it published.
        let publisher = self.inner.publisher();
        let guard = self.inner.read();
        let snapshot = self.inner.policy.load(&guard);
        let session = &self.inner.sessions.find(request.principal, &guard)?.session;
        let source =
            |scope: &Scope| Some(ScopeSource { version: scope.version(), roles: roles(&publisher, scope)? });
        let scopes: Option<Vec<_>> =
            session.chain().map(|session| source(snapshot.scope(session.slot)?)).collect();
        let catalogue = request.call.server.as_ref().and_then(|server| publisher.catalogue(server));
        let judged = request.call.resource.as_ref().and_then(|_| snapshot.manifests.get(session.owner()));
        let manifest = judged.map(|manifest| &**manifest);
        let (owner, policies) = (session.owner(), publisher.policies());
        VerdictDigest::of(&scopes?, catalogue, manifest, owner, request.call, decision, policies)
    }
}

/// A role and its parents, as they were written.
fn roles<'p>(publisher: &'p Publisher, scope: &Scope) -> Option<Vec<&'p Role>> {
    let names = std::iter::once(scope.name()).chain(scope.parents());
    names.map(|name| publisher.roles().get(name).map(|role| &**role)).collect()
}
