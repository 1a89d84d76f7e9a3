//! The digest of a decision: what was judged, by which rules, and what came of it.

use serde_json::{Value, json};

use crate::call::{Args, ToolCall};
use crate::catalogue::Catalogue;
use crate::claims::McpClaims;
use crate::decision::{Decision, Obligation, Permit};
use crate::digest::{digest_text, tagged};
use crate::grant::manifest::Manifest;
use crate::id::Name;
use crate::policy::{PolicyMode, PolicyRule};
use crate::role::Role;

/// SHA-256 over a domain tag and the canonical form (RFC 8785) of the scopes in force, the request and
/// the verdict. Two enforcers that agree on all three agree on it, so each can check the other.
///
/// It says nothing of when, of a session's name or of a permit's number: those differ between any two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerdictDigest([u8; 32]);

/// The rules that one session was judged by, as they were written.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a digest is of all of its parts")]
pub struct ScopeSource<'a> {
    /// The version of the session's role.
    pub version: u64,
    /// The role, then its parents, nearest first.
    pub roles: Vec<&'a Role>,
}

impl VerdictDigest {
    /// The digest of a decision on a call that a session of `owner` made. `scopes` are the rules of that
    /// session, then those of the sessions it was opened by; `catalogue` is what is registered of the MCP
    /// server that the call names, `manifest` the owner's, where the call names a resource, `policies` those
    /// in force. `None` only if a rule holds a number that has no canonical form, which
    /// no policy that compiles does.
    pub fn of(
        scopes: &[ScopeSource<'_>],
        catalogue: Option<&Catalogue>,
        manifest: Option<&Manifest>,
        owner: &Name,
        call: &ToolCall,
        decision: &Decision,
        policies: &[PolicyRule],
    ) -> Option<Self> {
        let mut judged = json!({
            "scopes": scopes.iter().map(ScopeSource::canonical).collect::<Vec<_>>(),
            "catalogue": catalogue,
            "manifest": manifest.map(judged_by),
            "request": request(owner, call),
            "verdict": verdict(decision),
        });
        let deciding: Vec<_> = policies.iter().filter_map(decides).collect();
        if let (false, Some(members)) = (deciding.is_empty(), judged.as_object_mut()) {
            members.insert("policies".to_owned(), json!(deciding));
        }
        tagged("scopegate-verdict-v1", &judged).map(Self)
    }
}

impl ScopeSource<'_> {
    fn canonical(&self) -> Value {
        let roles: Vec<Role> = self.roles.iter().map(|role| rules(role)).collect();
        json!({ "version": self.version, "roles": roles })
    }
}

/// A role without what no decision reads.
fn rules(role: &Role) -> Role {
    Role { description: String::new(), webhook_url: None, webhook_secret: None, ..role.clone() }
}

/// A policy without what no decision reads; `None` when no decision reads it at all.
fn decides(policy: &PolicyRule) -> Option<PolicyRule> {
    let decides = policy.enabled && policy.mode == PolicyMode::Live;
    decides.then(|| PolicyRule { description: String::new(), ..policy.clone() })
}

/// A manifest without what no decision reads.
fn judged_by(manifest: &Manifest) -> Manifest {
    Manifest { metadata: None, ..manifest.clone() }
}

fn request(owner: &Name, call: &ToolCall) -> Value {
    let mut request = json!({
        "owner": owner, "tool": call.tool, "server": call.server, "action": call.action,
        "resource": call.resource, "env": call.env, "args": arguments(&call.args),
        "claims": call.mcp.as_deref().map(claims),
    });
    if let (Some(via), Some(members)) = (&call.via, request.as_object_mut()) {
        members.insert("via".to_owned(), json!(via));
    }
    request
}

/// A claimed session has another name at every enforcer, so only that one is claimed is said.
fn claims(claims: &McpClaims) -> Value {
    json!({ "session": claims.session.is_some(), "schema": claims.schema })
}

/// The object; the reason where it was refused; null where nobody looked.
fn arguments(args: &Args) -> Value {
    match args.error() {
        Some(error) => json!(error.to_string()),
        None => json!(args.to_value()),
    }
}

fn verdict(decision: &Decision) -> Value {
    match decision {
        Decision::Permit(permit) => permitted(permit),
        Decision::Deny(denial) => json!({ "deny": denial.code.as_str() }),
        Decision::Hold(_) => json!("hold"),
    }
}

fn permitted(permit: &Permit) -> Value {
    let duties = permit.obligations.iter().flat_map(|duties| duties.iter());
    let redacted: Vec<_> = duties.map(|Obligation::Redact(rule)| rule.written()).collect();
    let credential = permit.credential.as_ref().map(|credential| &credential.name);
    json!({ "permit": { "redact": redacted, "credential": credential } })
}

digest_text!(VerdictDigest);
