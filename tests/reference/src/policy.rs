//! The policy document, read leniently: it is known to be valid.

use crate::json::Json;
use crate::mcp::Offered;
use crate::pattern::Pattern;
use serde_json::Value;
use std::collections::HashMap;

/// A role, with the defaults filled in.
#[derive(Debug)]
pub struct Role {
    /// Its unique name.
    pub name: String,
    /// Exact tool names, some of one server alone.
    pub allowed_tools: Vec<String>,
    /// Globs of tool names, at any server.
    pub allowed_actions: Vec<String>,
    /// In tenths.
    pub min_trust: Option<u64>,
    /// Exact names or globs, some with a glob of servers behind an `@`.
    pub denied_actions: Vec<String>,
    /// The parent's name.
    pub parent: Option<String>,
    /// Constraints per tool.
    pub constraints: HashMap<String, Vec<Constraint>>,
    /// Empty means any.
    pub allowed_envs: Vec<String>,
    /// A missing env passes.
    pub env_optional: bool,
    /// 0 means none.
    pub max_rows: u64,
    /// A missing limit passes.
    pub rows_optional: bool,
    /// Start (inclusive) and end (exclusive); 0, 0 means none.
    pub hours: (u64, u64),
    /// 0 is Monday; empty means any.
    pub days: Vec<u64>,
    /// 0 means none.
    pub rate_per_minute: u64,
    /// 0 means none.
    pub rate_per_hour: u64,
    /// `rate_scope: session`
    pub rate_by_session: bool,
    /// Tools that always need a person.
    pub approval_required: Vec<String>,
    /// Tools that need a person unless all of these hold.
    pub approval_unless: HashMap<String, Vec<Constraint>>,
    /// How long a review lives.
    pub approval_ttl_seconds: u64,
    /// How many generations of sub-agents.
    pub max_delegation_depth: u64,
    /// Names this role may use.
    pub allowed_credentials: Vec<String>,
    /// The credential of each tool.
    pub credential_mapping: HashMap<String, String>,
    /// Empty means that no server is named.
    pub allowed_mcp_servers: Vec<String>,
    /// Calls a minute per server, or per tool of a server; 0 means none.
    pub mcp_rates: HashMap<String, u64>,
}

/// One constraint: the field, and the alternatives for its value.
#[derive(Debug)]
pub struct Constraint {
    /// The path as written.
    pub field: String,
    /// The path in steps.
    pub steps: Vec<Step>,
    /// At least one has to hold.
    pub alternatives: Vec<Test>,
    /// `when_absent: allow`
    pub absent_passes: bool,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into the member of that name.
    Name(String),
    /// Into every element.
    Each,
}

/// An operator with its value.
#[derive(Debug)]
pub struct Test {
    /// The operator's name.
    pub operator: String,
    /// The policy's value.
    pub value: Json,
    /// The compiled pattern of a `regex`.
    pub pattern: Option<Pattern>,
}

/// Whether a role's entry speaks of this tool at this server: `tool` does wherever it is called, and
/// `tool@server` there alone.
pub(crate) fn speaks_of(entry: &str, tool: &str, server: Option<&str>) -> bool {
    match entry.split_once('@') {
        Some((named, at)) => named == tool && Some(at) == server,
        None => entry == tool,
    }
}

/// What a map of a role says of this tool at this server.
pub(crate) fn said<'a, T>(
    map: &'a HashMap<String, T>,
    tool: &str,
    server: Option<&str>,
) -> impl Iterator<Item = &'a T> {
    map.iter().filter(move |(entry, _)| speaks_of(entry, tool, server)).map(|(_, said)| said)
}

/// Reads all roles, by name.
pub fn read_roles(text: &str) -> Result<HashMap<String, Role>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut roles = HashMap::new();
    for value in document["roles"].as_array().unwrap_or(&Vec::new()) {
        let role = read_role(value)?;
        roles.insert(role.name.clone(), role);
    }
    Ok(roles)
}

/// Reads what every registered server offers.
pub fn read_servers(text: &str) -> Result<HashMap<String, Vec<Offered>>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut servers = HashMap::new();
    for (server, catalogue) in document["mcp_servers"].as_object().cloned().unwrap_or_default() {
        let tools = catalogue["tools"].as_array().cloned().unwrap_or_default();
        let offered = tools.iter().map(|tool| Offered {
            tool: tool["name"].as_str().unwrap_or_default().to_string(),
            schema: tool.get("inputSchema").map(Json::from_policy),
            quarantined: tool["quarantined"].as_bool().unwrap_or(false),
        });
        servers.insert(server, offered.collect());
    }
    Ok(servers)
}

fn read_role(value: &Value) -> Result<Role, String> {
    let number = |key: &str| value[key].as_u64().unwrap_or(0);
    let flag = |key: &str| value[key].as_bool().unwrap_or(false);
    let strings = |key: &str| -> Vec<String> {
        let items = value[key].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_string)).collect()
    };
    let or_default = |n: u64, default: u64| if n == 0 { default } else { n };
    let mapping = value["credential_mapping"].as_object().cloned().unwrap_or_default();
    Ok(Role {
        name: value["name"].as_str().ok_or("a role without a name")?.to_string(),
        allowed_tools: strings("allowed_tools"),
        allowed_actions: strings("allowed_actions"),
        min_trust: value["min_trust_level"].as_u64().map(|level| level * 10),
        denied_actions: strings("denied_actions"),
        parent: value["parent_role_id"].as_str().map(str::to_string),
        constraints: read_constraint_map(&value["parameter_constraints"])?,
        allowed_envs: strings("allowed_envs"),
        env_optional: flag("env_optional"),
        max_rows: number("max_rows"),
        rows_optional: flag("rows_optional"),
        hours: (number("allowed_hours_start"), number("allowed_hours_end")),
        days: value["allowed_days"]
            .as_array()
            .map(|a| a.iter().filter_map(Value::as_u64).collect())
            .unwrap_or_default(),
        rate_per_minute: number("rate_limit_per_minute"),
        rate_per_hour: number("rate_limit_per_hour"),
        rate_by_session: value["rate_scope"].as_str() == Some("session"),
        approval_required: strings("approval_required"),
        approval_unless: read_constraint_map(&value["approval_unless"])?,
        approval_ttl_seconds: or_default(number("approval_ttl_seconds"), 900),
        max_delegation_depth: number("max_delegation_depth"),
        allowed_credentials: strings("allowed_credentials"),
        credential_mapping: mapping
            .iter()
            .filter_map(|(tool, name)| Some((tool.clone(), name.as_str()?.to_string())))
            .collect(),
        allowed_mcp_servers: strings("allowed_mcp_servers"),
        mcp_rates: value["mcp_server_rate_limits"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(server, limit)| Some((server.clone(), limit.as_u64()?)))
            .collect(),
    })
}

fn read_constraint_map(value: &Value) -> Result<HashMap<String, Vec<Constraint>>, String> {
    let mut map = HashMap::new();
    for (tool, list) in value.as_object().cloned().unwrap_or_default() {
        let list = list.as_array().cloned().unwrap_or_default();
        map.insert(tool, list.iter().map(read_constraint).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(map)
}

/// Reads one constraint.
pub fn read_constraint(value: &Value) -> Result<Constraint, String> {
    let field = value["field"].as_str().ok_or("a constraint without a field")?.to_string();
    let alternatives = match value["any_of"].as_array() {
        Some(list) => list.iter().map(read_test).collect::<Result<Vec<_>, _>>()?,
        None => vec![read_test(value)?],
    };
    Ok(Constraint {
        steps: read_path(&field),
        field,
        alternatives,
        absent_passes: value["when_absent"].as_str() == Some("allow"),
    })
}

fn read_test(value: &Value) -> Result<Test, String> {
    let operator = value["operator"].as_str().ok_or("a constraint without an operator")?.to_string();
    let wanted = Json::from_policy(&value["value"]);
    let pattern = match (operator.as_str(), &wanted) {
        ("regex", Json::Str(source)) => Some(Pattern::new(source)?),
        _ => None,
    };
    Ok(Test { operator, value: wanted, pattern })
}

/// `a.items[*].sku` in steps.
fn read_path(field: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in field.split('.') {
        let name = part.trim_end_matches("[*]");
        steps.push(Step::Name(name.to_string()));
        let stars = (part.len() - name.len()) / "[*]".len();
        steps.extend(std::iter::repeat_n(Step::Each, stars));
    }
    steps
}
