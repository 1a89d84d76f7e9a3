//! What the OpenAPI document says of this dialect's routes.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::answer::{Held, Verdict};
use super::approvals::{Approval, Waiting};
use super::audit::Export;
use super::deliveries::Deliveries;
use super::provision::Provisioned;
use super::roles::Deleted;
use super::servers::{Server, Servers};
use super::sessions::{Revoked, Session, Sessions, Suspension};
use crate::openapi::{Doc, Free, open};

/// A session to open.
#[derive(JsonSchema)]
#[schemars(extend("examples" = [{ "role_id": "reader" }]))]
#[expect(dead_code, reason = "only its schema is used; the body is read member by member")]
struct Provision {
    /// The id or name of a role.
    role_id: String,
    /// In seconds; 0 for as long as the role says.
    requested_ttl: Option<u64>,
    task_type: Option<String>,
    framework: Option<String>,
    /// Makes it a sub-agent's session.
    parent_session_id: Option<String>,
    /// How many calls may be permitted in it and its sub-agents' sessions: 1 or more.
    max_calls: Option<u64>,
    /// Whether what deciding its calls takes is wanted too.
    scope: Option<bool>,
}

/// A tool call. What is hostile about it is answered with a denial, not with an error.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the body is judged as it stands")]
struct Call {
    jwt: String,
    tool_name: String,
    call_args: Option<Free>,
    call_id: Option<String>,
    action: Option<String>,
    mcp_server: Option<String>,
    mcp_session_id: Option<String>,
    mcp_tool_schema: Option<Free>,
    /// The same question with the same nonce has the same answer for a minute.
    decision_nonce: Option<String>,
}

/// A tool call of an MCP client.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the body is judged as it stands")]
struct McpCall {
    jwt: String,
    tool_name: String,
    arguments: Option<Free>,
    call_id: Option<String>,
    action: Option<String>,
    mcp_server: Option<String>,
    mcp_session_id: Option<String>,
    mcp_tool_schema: Option<Free>,
    /// The same question with the same nonce has the same answer for a minute.
    decision_nonce: Option<String>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Label {
    /// What the approver's client calls its user. Who decides is whoever holds the key.
    approved_by: Option<String>,
}

/// A role: what policy files say of it, and members that nobody knows, which are kept.
struct Role;

impl JsonSchema for Role {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RoleDraft".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let mut schema = scopegate_core::Role::json_schema(schemas);
        open(&mut schema);
        if let Some(name) = schema.pointer_mut("/properties/name").and_then(Value::as_object_mut) {
            name.insert("pattern".to_owned(), json!("^[A-Za-z0-9_.:/-]{1,128}$"));
        }
        schema.insert("examples".to_owned(), json!([{ "name": "reader", "allowed_tools": ["read_file"] }]));
        schema
    }
}

/// A role as it is shown.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; a role is shown with all that was written")]
struct RoleShown {
    id: String,
    name: String,
    version: u64,
    allowed_tools: Vec<String>,
    data_scope: Free,
    has_webhook_secret: bool,
    #[schemars(with = "crate::openapi::DateTime")]
    created_at: String,
    #[schemars(with = "crate::openapi::DateTime")]
    updated_at: String,
}

/// All roles; with `?name=` that one alone.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Roles {
    One(RoleShown),
    All { roles: Vec<RoleShown> },
}

pub(crate) fn provision() -> Doc {
    Doc::new("Open a session").takes::<Provision>().gives::<Provisioned>(200, "The session and its token")
}

fn judged<T: JsonSchema>(summary: &'static str) -> Doc {
    Doc::new(summary)
        .takes::<T>()
        .gives::<Verdict<'_>>(200, "Allowed or denied")
        .gives::<Held<'_>>(202, "Waits for a person: ask again once they agreed")
}

pub(crate) fn enforce() -> Doc {
    judged::<Call>("May this call be made, now?")
}

pub(crate) fn mcp_enforce() -> Doc {
    judged::<McpCall>("May this call of an MCP tool be made, now?")
}

pub(crate) fn revoke() -> Doc {
    Doc::new("End a session, and its sub-agents'")
        .asks("reason", "Why; everything behind `reason=` belongs to it", &json!({ "type": "string" }))
        .gives::<Revoked>(200, "It is over")
}

pub(crate) fn approve() -> Doc {
    Doc::new("Let the call run once").takes::<Label>().gives::<Approval>(200, "Approved")
}

pub(crate) fn reject() -> Doc {
    Doc::new("Refuse the call").takes::<Label>().gives::<Approval>(200, "Rejected")
}

pub(crate) fn list_roles() -> Doc {
    Doc::new("All roles, or one by its name")
        .asks("name", "That role alone", &json!({ "type": "string" }))
        .gives::<Roles>(200, "By name")
}

pub(crate) fn create_role() -> Doc {
    Doc::new("Make a role").takes::<Role>().gives::<RoleShown>(201, "Made")
}

pub(crate) fn update_role() -> Doc {
    Doc::new("Change the members of a role that the body has; null resets one")
        .takes::<Free>()
        .gives::<RoleShown>(200, "Changed")
}

pub(crate) fn put_server() -> Doc {
    Doc::new("Register what an MCP server offers: all that its `tools/list` answers")
        .takes::<scopegate_core::Catalogue>()
        .gives::<Server>(200, "Replaced")
        .gives::<Server>(201, "Registered")
}

pub(crate) fn export_audit() -> Doc {
    let hours = json!({ "type": "integer", "minimum": 1, "maximum": 720, "default": 168 });
    let number = json!({ "type": "integer", "minimum": 0 });
    let formats = json!({ "enum": ["json", "csv", "log"], "default": "json" });
    Doc::new("The log, from somewhere on")
        .asks("format", "How it is written; a `log` can be verified offline", &formats)
        .asks("window_hours", "How far it reaches back; or else `from` or `last`", &hours)
        .asks("from", "The number of its first record", &number)
        .asks("last", "How many records, the newest", &number)
        .gives::<Export>(200, "Oldest first")
        .or_text("text/csv")
        .or_text("application/jsonl")
}

pub(crate) fn list_deliveries() -> Doc {
    let states = json!({ "enum": ["waiting", "delivered", "parked"] });
    Doc::new("What became of events")
        .asks("status", "Only those", &states)
        .gives::<Deliveries>(200, "Newest first")
}

/// Routes without a body or a query, and the one thing that each gives.
macro_rules! give {
    ($($name:ident: $summary:literal => $given:ty, $told:literal;)*) => {
        $(pub(crate) fn $name() -> Doc {
            Doc::new($summary).gives::<$given>(200, $told)
        })*
    };
}

give! {
    list_sessions: "Sessions that are not long over" => Sessions, "Newest first";
    get_session: "A session" => Session, "As it stands";
    suspend: "Stop everyone who acts for an owner, now and later" => Suspension, "Suspended";
    readmit: "Let an owner act again" => Suspension, "Readmitted";
    list_approvals: "Calls that wait for a person" => Waiting, "Oldest first";
    get_approval: "A call that waits, or waited" => Approval, "As it stands";
    get_role: "A role, by its id or name" => RoleShown, "As it stands";
    delete_role: "End a role and its sessions" => Deleted, "It is over";
    list_servers: "MCP servers that were registered" => Servers, "By name";
    get_server: "What was registered of an MCP server" => Server, "As it stands";
    delete_server: "Forget what an MCP server offers" => Deleted, "It is forgotten";
}
