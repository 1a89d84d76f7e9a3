//! What the OpenAPI document says of this dialect's routes.

use schemars::JsonSchema;
use serde_json::json;

use super::history::{MOST, PER_PAGE};
use super::page::paged;
use super::{actions, agents, answer, credentials, decisions, history, roles};
use crate::openapi::{Doc, Free};

/// An agent to register, or what of one is to change.
#[derive(JsonSchema)]
#[schemars(rename = "XybernAgentDraft", extend("examples" = [{ "name": "TradeBot", "framework": "langchain" }]))]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Draft {
    name: Option<String>,
    framework: Option<String>,
    description: Option<String>,
    /// What it says it can do. Restricts nothing.
    capabilities: Option<Vec<String>>,
    /// What it may pass on.
    scopes: Option<Vec<String>>,
    delegation_policy: Option<Free>,
    /// What it may do at most: `allowed_action_types` and `denied_action_types`, patterns.
    permissions: Option<Free>,
    is_active: Option<bool>,
    /// How long its first credential lives: 1 to 365 days, 90 unless given.
    credential_ttl_days: Option<u64>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernIssue")]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Issue {
    /// 1 to 365 days, 90 unless given.
    credential_ttl_days: Option<u64>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernRotate")]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Rotate {
    reason: Option<String>,
    /// 1 to 365 days, 90 unless given.
    credential_ttl_days: Option<u64>,
    /// How long the credential before is good yet: 600 unless given, a day at most.
    grace_seconds: Option<u64>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernReason")]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Why {
    reason: Option<String>,
}

/// An action of an agent. What is hostile about it is answered with `block`, not with an error.
#[derive(JsonSchema)]
#[schemars(rename = "XybernAction", extend("examples" = [{ "action_type": "execute_trade" }]))]
#[expect(dead_code, reason = "only its schema is used; the body is judged as it stands")]
struct Action {
    action_type: String,
    action_content: Option<String>,
    /// The id of an agent; without one, or with one that nobody registered, the baseline is all there is.
    agent_id: Option<String>,
    metadata: Option<Free>,
    /// What the caller calls it, in a batch.
    #[serde(rename = "ref")]
    reference: Option<String>,
    session_id: Option<String>,
    grant_id: Option<String>,
    chain_id: Option<String>,
    /// How many hands it went through before: 64 at most.
    chain_step: Option<u64>,
    parent_decision_id: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernActions", extend("examples" = [{ "actions": [] }]))]
#[expect(dead_code, reason = "only its schema is used; each action is judged as it stands")]
struct Actions {
    /// 500 at most.
    actions: Vec<Action>,
}

#[derive(JsonSchema)]
#[schemars(
    rename = "XybernAgentMessage",
    extend("examples" = [{ "source_agent_id": "agent_a", "target_agent_id": "agent_b" }])
)]
#[expect(dead_code, reason = "only its schema is used; the body is judged as it stands")]
struct AgentMessage {
    source_agent_id: String,
    target_agent_id: String,
    instruction: Option<String>,
    metadata: Option<Free>,
    chain_id: Option<String>,
    chain_step: Option<u64>,
    parent_decision_id: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernRoleDraft", extend("examples" = [{ "name": "reader", "allowed_action_types": ["*.read"] }]))]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct RoleDraft {
    name: Option<String>,
    description: Option<String>,
    /// Patterns, in which `*` stands for any characters.
    allowed_action_types: Option<Vec<String>>,
    /// Patterns; they beat whatever allows.
    denied_action_types: Option<Vec<String>>,
    /// 0 to 100: agents that are trusted less are denied.
    min_trust_level: Option<u64>,
    /// The id or name of a role whose action types it gains.
    inherits_from: Option<String>,
    scopes: Option<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(rename = "XybernAssign", extend("examples" = [{ "agent_id": "agent_a" }]))]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Assign {
    agent_id: String,
}

pub(crate) fn intercept() -> Doc {
    Doc::new("May an agent do this, now?")
        .takes::<Action>()
        .gives::<answer::Answer>(200, "Allowed, blocked, escalated to a person, or its session terminated")
}

pub(crate) fn batch() -> Doc {
    Doc::new("May agents do these, now? Each is decided by itself, in their order")
        .takes::<Actions>()
        .gives::<actions::Batch>(200, "In their order")
}

pub(crate) fn agent_comm() -> Doc {
    Doc::new("May one agent say this to another?")
        .takes::<AgentMessage>()
        .gives::<answer::Answer>(200, "Allowed, blocked or escalated to a person")
}

pub(crate) fn red_lines() -> Doc {
    Doc::new("Rules that no agent may ever break").gives::<actions::RedLines>(200, "There are none")
}

pub(crate) fn list_decisions() -> Doc {
    let words = json!({ "enum": ["allow", "block", "escalate", "terminate"] });
    let text = json!({ "type": "string" });
    paged(Doc::new("Decisions on actions: all of them for people, its own for an agent"), PER_PAGE, MOST)
        .asks("decision", "Only those", &words)
        .asks("action_type", "Only of this type", &text)
        .asks("agent_id", "Only of this agent", &text)
        .gives::<decisions::Many>(200, "Newest first")
}

pub(crate) fn get_decision() -> Doc {
    Doc::new("A decision on an action").gives::<decisions::One>(200, "As it stands in the log")
}

pub(crate) fn stats() -> Doc {
    Doc::new("How many decisions came to what").gives::<decisions::Stats>(200, "Since the beginning")
}

pub(crate) fn create_role() -> Doc {
    Doc::new("Make a role").takes::<RoleDraft>().gives::<roles::One>(201, "Made")
}

pub(crate) fn list_roles() -> Doc {
    Doc::new("All roles").gives::<roles::Many>(200, "By name")
}

pub(crate) fn get_role() -> Doc {
    Doc::new("A role, by its id or name").gives::<roles::One>(200, "As it stands")
}

pub(crate) fn update_role() -> Doc {
    Doc::new("Change the members of a role that the body has; null resets one")
        .takes::<RoleDraft>()
        .gives::<roles::One>(200, "Changed")
}

pub(crate) fn delete_role() -> Doc {
    Doc::new("End a role that no agent has and none inherits from").gives::<roles::Deleted>(200, "It is over")
}

pub(crate) fn assign_role() -> Doc {
    Doc::new("Assign a role to an agent").takes::<Assign>().gives::<roles::Assigned>(200, "The agent has it")
}

pub(crate) fn unassign_role() -> Doc {
    Doc::new("Take a role back from an agent")
        .takes::<Assign>()
        .gives::<roles::Assigned>(200, "The agent has it no more")
}

pub(crate) fn role_agents() -> Doc {
    Doc::new("The agents that have a role").gives::<roles::Holders>(200, "In the order they were registered")
}

pub(crate) fn register_agent() -> Doc {
    Doc::new("Register an agent; one of the same name and framework is found and left as it is")
        .takes::<Draft>()
        .gives::<agents::Registered>(200, "There was one already")
        .gives::<agents::Registered>(
            201,
            "Registered, with a credential whose private key is not shown again",
        )
}

pub(crate) fn list_agents() -> Doc {
    paged(Doc::new("Agents in the order they were registered"), agents::PER_PAGE, agents::PER_PAGE)
        .gives::<agents::Many>(200, "A page of them")
}

pub(crate) fn get_agent() -> Doc {
    Doc::new("An agent").gives::<agents::One>(200, "As it stands")
}

pub(crate) fn update_agent() -> Doc {
    Doc::new("Change the members of an agent that the body has")
        .takes::<Draft>()
        .gives::<agents::One>(200, "Changed")
}

pub(crate) fn deactivate_agent() -> Doc {
    Doc::new("Deny all that an agent asks from now on, and end its sessions")
        .gives::<agents::One>(200, "Deactivated")
}

pub(crate) fn agent_history() -> Doc {
    paged(Doc::new("What was decided for an agent"), history::PER_PAGE, history::MOST)
        .gives::<history::History>(200, "Newest first")
}

pub(crate) fn communications() -> Doc {
    paged(Doc::new("What an agent said to others, and they to it"), history::PER_PAGE, history::MOST)
        .gives::<history::Communications>(200, "Newest first")
}

pub(crate) fn list_credentials() -> Doc {
    Doc::new("Credentials of an agent that are not long over").gives::<credentials::Many>(200, "Newest first")
}

pub(crate) fn active_credential() -> Doc {
    Doc::new("The credential that an agent should use").gives::<credentials::One>(200, "As it stands")
}

pub(crate) fn issue_credential() -> Doc {
    Doc::new("Make a credential for an agent that has none to use")
        .takes::<Issue>()
        .gives::<credentials::One>(201, "Made; its private key is not shown again")
}

pub(crate) fn rotate_credential() -> Doc {
    Doc::new("Make a credential that takes the place of the one in use")
        .takes::<Rotate>()
        .gives::<credentials::One>(201, "Made; its private key is not shown again")
}

pub(crate) fn revoke_credential() -> Doc {
    Doc::new("End a credential at once").takes::<Why>().gives::<credentials::One>(200, "It is over")
}
