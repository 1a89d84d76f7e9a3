//! What the OpenAPI document says of this dialect's routes.

use schemars::JsonSchema;

use super::page::paged;
use super::{agents, credentials, history};
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
        .gives::<history::Communications>(200, "None yet")
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
