//! A role as people write it: in a policy file, over REST, or with an SDK. Same field names everywhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::Name;
use crate::scope::ToolEntry;
use crate::{forbid, plain, problem};

/// What sessions of this role may do. Absent fields restrict nothing, except that a tool which no
/// list names is not allowed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct Role {
    /// Unique; letters, digits and `_ . : / -`, at most 128.
    pub name: Name,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The tools it may call, by their exact names: `TOOL` wherever it is called, `TOOL@SERVER` at that MCP
    /// server alone. The same holds wherever a role names a tool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tools: Vec<Name>,
    /// Tools it may call beside these; `*` stands for any characters that a name may have. Only the tool's
    /// name counts, at whatever MCP server: the action is what the caller says it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_actions: Vec<Name>,
    /// Tools and actions it may never call, whatever grants them; `*` stands for any characters, and
    /// `PATTERN@SERVER` forbids at that MCP server alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_actions: Vec<Name>,
    /// A role whose tools it gains. Everything that guards them there guards them here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_role_id: Option<Name>,
    /// What must hold of the arguments, by tool; all of it, with what is said of a tool anywhere and of
    /// the same at one server together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameter_constraints: BTreeMap<Name, Vec<Constraint>>,
    /// The environments it may act in; empty means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_envs: Vec<Name>,
    /// Whether a call that names no environment passes `allowed_envs`.
    #[serde(default, skip_serializing_if = "is_false", deserialize_with = "plain::truth")]
    pub env_optional: bool,
    /// The largest `limit` argument; 0 means none.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    pub max_rows: u64,
    /// Whether a call without a `limit` passes `max_rows`.
    #[serde(default, skip_serializing_if = "is_false", deserialize_with = "plain::truth")]
    pub rows_optional: bool,
    /// First allowed hour, UTC. Start and end both 0 means any hour; start after end wraps midnight.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    #[cfg_attr(feature = "schema", schemars(range(max = 23)))]
    pub allowed_hours_start: u64,
    /// First hour, UTC, that is no longer allowed.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    #[cfg_attr(feature = "schema", schemars(range(max = 23)))]
    pub allowed_hours_end: u64,
    /// Allowed days, UTC, 0 = Monday to 6 = Sunday; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "plain::numbers")]
    pub allowed_days: Vec<u64>,
    /// Calls a minute; 0 means no limit.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    pub rate_limit_per_minute: u64,
    /// Calls an hour; 0 means no limit.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    pub rate_limit_per_hour: u64,
    /// Who shares the limits.
    #[serde(default, skip_serializing_if = "is_key")]
    pub rate_scope: RateScope,
    /// Tools that a person must agree to, call by call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approval_required: Vec<Name>,
    /// Tools that a person must agree to unless all of this holds of the arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approval_unless: BTreeMap<Name, Vec<Constraint>>,
    /// How long a held call waits, in seconds; 0 means 900.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    pub approval_ttl_seconds: u64,
    /// Who may agree to its held calls.
    #[serde(default, skip_serializing_if = "is_reviewer")]
    pub approval_by: ApprovalBy,
    /// How deep sub-agents may go; 0 means no sub-agents.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    pub max_delegation_depth: u64,
    /// How long a session lives, in seconds; 0 means 3600.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "plain::number")]
    pub default_ttl_seconds: u64,
    /// Credentials its tools may be given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_credentials: Vec<Name>,
    /// Which credential a tool is given, by tool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credential_mapping: BTreeMap<Name, Name>,
    /// Whether the records of this role hold a digest of the arguments.
    #[serde(default, skip_serializing_if = "is_omit")]
    pub record_arguments: RecordArguments,
    /// How fresh the state must be that decides calls of this role.
    #[serde(default, skip_serializing_if = "is_leased")]
    pub consistency: Consistency,
    /// The MCP servers its calls may go to, by exact name. A call to a server that is not listed is
    /// denied; once any is listed, so is a call that names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_mcp_servers: Vec<Name>,
    /// Calls a minute to each MCP server, or of one `TOOL@SERVER`, shared as `rate_scope` says; 0 means no
    /// limit.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "plain::numbers_by_name"
    )]
    pub mcp_server_rate_limits: BTreeMap<Name, u64>,
    /// What is taken out of a tool's answer before the agent sees it, by tool. Where nobody can do
    /// that, such a tool is not run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redact_output: BTreeMap<Name, Vec<OutputRule>>,
    /// How far an agent must be trusted at least, 0 to 100, to use the tools it brings.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain::maybe_number")]
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub min_trust_level: Option<u64>,
    /// Where denials are announced. Needs the plane: a policy that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// Signs the announcements. Needs the plane: a policy that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
}

/// Who shares a rate limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a new scope must be handled where limits compile")]
pub enum RateScope {
    /// All sessions of one owner and role share it.
    #[default]
    Key,
    /// Each session has its own, under a shared ceiling of ten times the limit.
    Session,
}

/// What a record keeps of the arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the policy format has these two")]
pub enum RecordArguments {
    /// Nothing.
    #[default]
    Omit,
    /// Their SHA-256.
    Digest,
}

/// Who may agree to held calls. Where several roles hold one call, a reviewer has to agree unless all of
/// them leave it to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "whoever holds a call must know each of them")]
pub enum ApprovalBy {
    /// Whoever uses the agent, asked through its own client, or a reviewer. Consent, not a second pair of
    /// eyes: the client could answer by itself.
    Client,
    /// A reviewer, who is not whoever asked.
    #[default]
    Reviewer,
}

/// How fresh the state must be that decides calls. A role is as strict as the strictest of its parents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "whoever lends scopes must know each of them")]
pub enum Consistency {
    /// A client may decide with a scope that the plane confirmed at most five seconds ago.
    #[default]
    Leased,
    /// The plane decides every call.
    Strict,
}

/// One thing that must hold of an argument: an `operator` and a `value`, or `any_of` several.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct Constraint {
    /// The argument: `amount`, `recipient.country`, `items[*].sku`.
    pub field: String,
    /// How it is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Alternatives: one of them must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Alternative>,
    /// What a call without this argument, or with null, means.
    #[serde(default, skip_serializing_if = "is_deny")]
    pub when_absent: WhenAbsent,
}

/// One alternative of `any_of`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct Alternative {
    /// How the argument is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub value: Value,
}

/// How an argument is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operator {
    /// Equal as JSON; numbers by value.
    Eq,
    /// A number below.
    Lt,
    /// A number above.
    Gt,
    /// A number below or equal.
    Lte,
    /// A number above or equal.
    Gte,
    /// A string that contains the text, or an array that contains the value.
    Contains,
    /// One of a list.
    In,
    /// None of a list.
    NotIn,
    /// A string that matches as a whole.
    Regex,
    /// A string that starts with the text.
    Prefix,
    /// An absolute path inside a directory, without `..` or tricks.
    PathWithin,
    /// A string of at most so many characters, or an array of at most so many elements.
    MaxLength,
    /// An IP address in a network, or in one of a list of them.
    Cidr,
    /// A URL (http, https, ws, wss) or an authority without a scheme, whose host is this one, or one
    /// of a list; `*.example.com` is every host below that one. Port and path are not judged.
    UrlHost,
}

/// One thing that is taken out of an answer: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct OutputRule {
    /// A field of the answer, which must be JSON: `customer.iban`, `items[*].card`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whatever matches, anywhere; ASCII rules, no look-around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whatever goes beyond so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain::maybe_number")]
    pub max_bytes: Option<u64>,
}

impl OutputRule {
    /// Takes out a field.
    pub fn path(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// Takes out what matches.
    pub fn pattern(pattern: impl Into<String>) -> Self {
        Self { pattern: Some(pattern.into()), ..Self::default() }
    }

    /// Takes out what goes beyond so many bytes.
    pub fn max_bytes(most: u64) -> Self {
        Self { max_bytes: Some(most), ..Self::default() }
    }
}

/// What the absence of an argument means for a constraint on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the policy format has these two")]
pub enum WhenAbsent {
    /// A violation.
    #[default]
    Deny,
    /// Nothing to check.
    Allow,
}

impl Role {
    /// A role that allows nothing yet.
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Whether the role itself, without its parents, grants a tool of this name at this MCP server, or at none.
    pub fn grants(&self, tool: &str, server: Option<&str>) -> bool {
        self.allowed_tools.iter().any(|entry| ToolEntry::read(entry).means(tool, server))
            || problem::name(tool).is_ok() && self.allowed_actions.iter().any(|p| forbid::glob(p, tool))
    }

    /// The role, also allowing these tools.
    #[must_use]
    pub fn allow<N: Into<Name>>(mut self, tools: impl IntoIterator<Item = N>) -> Self {
        self.allowed_tools.extend(tools.into_iter().map(Into::into));
        self
    }

    /// The role, constraining an argument of a tool.
    #[must_use]
    pub fn constrain(mut self, tool: impl Into<Name>, constraint: Constraint) -> Self {
        self.parameter_constraints.entry(tool.into()).or_default().push(constraint);
        self
    }

    /// The role, holding these tools for a person.
    #[must_use]
    pub fn require_approval<N: Into<Name>>(mut self, tools: impl IntoIterator<Item = N>) -> Self {
        self.approval_required.extend(tools.into_iter().map(Into::into));
        self
    }
}

impl Constraint {
    /// A constraint; a call without the argument violates it.
    pub fn new(field: impl Into<String>, operator: Operator, value: impl Into<Value>) -> Self {
        Self {
            field: field.into(),
            operator: Some(operator),
            value: Some(value.into()),
            any_of: Vec::new(),
            when_absent: WhenAbsent::Deny,
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn is_key(value: &RateScope) -> bool {
    *value == RateScope::Key
}

fn is_reviewer(by: &ApprovalBy) -> bool {
    *by == ApprovalBy::Reviewer
}

fn is_leased(value: &Consistency) -> bool {
    *value == Consistency::Leased
}

fn is_omit(value: &RecordArguments) -> bool {
    *value == RecordArguments::Omit
}

fn is_deny(value: &WhenAbsent) -> bool {
    *value == WhenAbsent::Deny
}
