//! What would have to be different for a call to pass.

use std::collections::BTreeSet;

use scopegate_core::{
    DenyCode, Hold, Manifest, Name, PolicyDecision, PolicyMode, PolicyView, Role, ScopeView, ToolCall,
    ToolEntry, ToolView,
};

use crate::answer::{Answer, Verdict};
use crate::trial::Trial;

/// Most edits between a tool and what was probably meant.
const TYPO: usize = 3;

/// What would pass; for a permit, what it had to pass.
pub(super) fn would_pass(
    trial: &Trial,
    view: &ScopeView,
    tool: Option<&ToolView>,
    call: &ToolCall,
    answer: &Answer,
) -> Vec<String> {
    let guards = tool.map(|tool| guards(view, tool)).unwrap_or_default();
    let constraints = tool.map(|tool| tool.constraints.clone()).unwrap_or_default();
    match (answer.verdict, answer.code) {
        (Verdict::Permit, _) => [guards, constraints].concat(),
        (Verdict::Hold, _) => agreement(tool, answer.hold),
        (Verdict::Deny, Some(DenyCode::ActionForbidden)) => forbidden(trial, view),
        (Verdict::Deny, Some(DenyCode::ScopeViolation)) => grants(trial, view, call),
        (Verdict::Deny, Some(DenyCode::CredentialViolation)) => {
            vec!["the role that maps the credential must also list it under `allowed_credentials`".to_owned()]
        }
        (Verdict::Deny, Some(DenyCode::InvalidArguments)) => vec![
            "one JSON object: UTF-8, no member twice, whole numbers within 2^53, at most 256 KiB".to_owned(),
        ],
        (Verdict::Deny, Some(DenyCode::ParameterViolation)) => constraints,
        (
            Verdict::Deny,
            Some(
                DenyCode::TimeViolation
                | DenyCode::EnvViolation
                | DenyCode::TrustTooLow
                | DenyCode::DataLimitExceeded
                | DenyCode::McpServerUnauthorized,
            ),
        ) => guards,
        (Verdict::Deny, Some(DenyCode::McpToolNotFound)) => offered(trial, call),
        (Verdict::Deny, _) => Vec::new(),
    }
}

/// What the policies say that match a call which they stopped, or that a person has to agree to.
pub(super) fn by_policies(matching: &[PolicyView], answer: &Answer) -> Option<Vec<String>> {
    let by = |decision| matching.iter().filter(move |view| view.decision == decision).map(policy_words);
    let lines: Vec<_> = match (answer.verdict, answer.code) {
        (Verdict::Deny, Some(DenyCode::ActionForbidden | DenyCode::PolicyDenied)) => {
            by(PolicyDecision::Deny).collect()
        }
        (Verdict::Hold, _) => by(PolicyDecision::Hold).collect(),
        _ => Vec::new(),
    };
    (!lines.is_empty())
        .then(|| lines.into_iter().map(|line| format!("not while a policy says: {line}")).collect())
}

/// A policy in one line.
pub(crate) fn policy_words(policy: &PolicyView) -> String {
    let shadow = if policy.mode == PolicyMode::Shadow { "in the shadow, would " } else { "" };
    let first = if policy.first { ", before any grant" } else { "" };
    format!("{}: {shadow}{} {}{first}", policy.name, policy.decision.as_str(), policy.rule)
}

/// What the agent's manifest has instead, where the role grants the tool and the manifest refuses the call.
pub(super) fn in_manifest(
    trial: &Trial,
    agent: &Name,
    tool: Option<&ToolView>,
    call: &ToolCall,
    answer: &Answer,
) -> Option<Vec<String>> {
    let (Some(DenyCode::ScopeViolation), Some(_)) = (answer.code, tool) else { return None };
    call.resource.as_ref()?;
    let manifest = trial.policy.manifests.iter().find(|manifest| manifest.agent_id == *agent)?;
    Some(manifest_words(&manifest.sorted().ok()?))
}

/// A sorted manifest, one line a resource.
pub(crate) fn manifest_words(manifest: &Manifest) -> Vec<String> {
    let words = |(resource, actions): (&Name, &Vec<Name>)| {
        let resource =
            if resource == "*" { "any other resource".to_owned() } else { format!("`{resource}`") };
        match &**actions {
            [] => format!("on {resource}: nothing"),
            actions => format!("on {resource}: {}", actions.join(", ")),
        }
    };
    // The one for the rest comes last.
    let (rest, own): (Vec<_>, Vec<_>) = manifest.resource_actions.iter().partition(|(name, _)| *name == "*");
    own.into_iter().chain(rest).map(words).collect()
}

/// What the call's MCP server is registered with.
fn offered(trial: &Trial, call: &ToolCall) -> Vec<String> {
    let catalogue = call.server.as_ref().and_then(|server| trial.policy.mcp_servers.get(server));
    catalogue.into_iter().flat_map(|c| &c.tools).map(|tool| format!("its tool `{}`", tool.name)).collect()
}

/// The role-wide guards of the role that grants the tool.
fn guards(view: &ScopeView, tool: &ToolView) -> Vec<String> {
    let of = view.guards.iter().find(|guards| guards.granted_by == tool.granted_by);
    of.map(|guards| guards.rules.clone()).unwrap_or_default()
}

fn agreement(tool: Option<&ToolView>, hold: Option<Hold>) -> Vec<String> {
    let until = hold.map(|hold| format!(" before {}", hold.expires_at)).unwrap_or_default();
    let mut ways = vec![format!("this very call, once, when a person agrees{until}")];
    let unless = tool.and_then(|tool| tool.approval.as_deref()).unwrap_or_default();
    if !unless.is_empty() {
        ways.push("without a person, when all of this holds:".to_owned());
        ways.extend(unless.iter().map(|rule| format!("- {rule}")));
    }
    ways
}

fn forbidden(trial: &Trial, view: &ScopeView) -> Vec<String> {
    let chain = std::iter::once(&view.role).chain(&view.parents);
    let roles = chain.filter_map(|name| trial.policy.roles.iter().find(|role| role.name == *name));
    let denying: Vec<_> =
        roles.filter(|r| !r.denied_actions.is_empty()).map(|r| format!("`{}`", r.name)).collect();
    vec![format!("nothing while `denied_actions` of role {} says so", denying.join(" or "))]
}

/// Who has the tool, or which tool was meant.
fn grants(trial: &Trial, view: &ScopeView, call: &ToolCall) -> Vec<String> {
    let (wanted, server) = (&call.tool, call.server.as_deref());
    let roles = || trial.policy.roles.iter();
    let has = |role: &&Role| role.grants(wanted, server);
    let having: Vec<_> = roles().filter(has).map(|role| format!("`{}`", role.name)).collect();
    if !having.is_empty() {
        return vec![format!("the same call under role {}", having.join(" or "))];
    }
    let entries = || roles().flat_map(|role| &role.allowed_tools).map(|entry| ToolEntry::read(entry));
    let elsewhere: BTreeSet<_> =
        entries().filter(|entry| entry.tool == wanted).map(|entry| format!("`{entry}`")).collect();
    if !elsewhere.is_empty() {
        let all = elsewhere.into_iter().collect::<Vec<_>>().join(", ");
        return vec![format!("at another MCP server: granted is {all}")];
    }
    let near = entries().map(|entry| (strsim::damerau_levenshtein(entry.tool, wanted), entry)).min();
    match near {
        Some((edits, entry)) if edits <= TYPO && edits < entry.tool.len() / 2 => {
            vec![format!("did you mean `{entry}`?")]
        }
        _ => {
            let tools: Vec<_> = view.tools.iter().map(|tool| format!("`{}`", tool.entry())).collect();
            let first = "no role of this policy grants it; list it under `allowed_tools` to grant it";
            vec![first.to_owned(), format!("role `{}` has: {}", view.role, tools.join(", "))]
        }
    }
}
