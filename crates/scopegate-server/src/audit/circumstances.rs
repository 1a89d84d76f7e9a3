//! What the plane knows of a decision beyond its record.

use scopegate_core::json::CanonicalObject;
use scopegate_core::{Name, Timestamp};
use serde::{Deserialize, Serialize};

/// Written into the record as its member `plane`. All texts are as the caller sent them: whoever
/// shows them must make control characters visible.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "whoever makes a record must fill all of it")]
pub struct Circumstances {
    /// What the call does, where it says so.
    pub action: Option<String>,
    /// How an agent's action came, if the call is one: `intercept`, `batch`, `telemetry` or `message`.
    pub asked: Option<Name>,
    /// Whether answers go out before the record is on disk.
    pub buffered: bool,
    /// What the caller calls the call.
    pub call: Option<String>,
    /// The chain of actions that it says it belongs to.
    pub chain: Option<String>,
    /// The agent that the caller named, where nobody of that id is registered.
    pub claimed: Option<String>,
    /// When a client decided, by its own clock.
    pub client_at: Option<Timestamp>,
    /// How many denials the record stands for, when a client counted them.
    pub count: Option<u64>,
    /// Whether a client permitted because the plane could not be reached.
    pub fail_open: bool,
    /// The id of the key that asked.
    pub key: Option<Name>,
    /// How long the decision took, in microseconds.
    pub latency_us: Option<u64>,
    /// How many records of the client's journal are missing before this one.
    pub missing: Option<u64>,
    /// The decision that it says it follows.
    pub parent: Option<String>,
    /// The policies that decide and matched an agent's action: what each says and its id, as `deny 1, hold 2`.
    pub policies: Option<String>,
    /// Why it was denied, in words.
    pub reason: Option<String>,
    /// The id of the role.
    pub role_id: Option<Name>,
    /// The names of an agent's roles, where they are several.
    pub roles: Option<String>,
    /// Whether one key may be agent and approver at once.
    pub separation_off: bool,
    /// The MCP server that was named.
    pub server: Option<String>,
    /// How bad a denied call is, in words.
    pub severity: Option<String>,
    /// Who decided, when it was not the plane: `client`.
    pub source: Option<Name>,
    /// The agent that a message is for.
    pub to: Option<Name>,
}

impl Circumstances {
    /// Appends them as canonical JSON; what is not so is left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = CanonicalObject::begin(out);
        object.maybe_text("action", self.action.as_deref());
        object.maybe_text("asked", self.asked.as_deref());
        object.maybe_true("buffered", self.buffered);
        object.maybe_text("call", self.call.as_deref());
        object.maybe_text("chain", self.chain.as_deref());
        object.maybe_text("claimed", self.claimed.as_deref());
        object.maybe_text("client_at", self.client_at.map(|at| at.to_string()).as_deref());
        object.maybe_number("count", self.count);
        object.maybe_true("fail_open", self.fail_open);
        object.maybe_text("key", self.key.as_deref());
        object.maybe_number("latency_us", self.latency_us);
        object.maybe_number("missing", self.missing);
        object.maybe_text("parent", self.parent.as_deref());
        object.maybe_text("policies", self.policies.as_deref());
        object.maybe_text("reason", self.reason.as_deref());
        object.maybe_text("role_id", self.role_id.as_deref());
        object.maybe_text("roles", self.roles.as_deref());
        object.maybe_true("separation_off", self.separation_off);
        object.maybe_text("server", self.server.as_deref());
        object.maybe_text("severity", self.severity.as_deref());
        object.maybe_text("source", self.source.as_deref());
        object.maybe_text("to", self.to.as_deref());
        object.end();
    }
}
