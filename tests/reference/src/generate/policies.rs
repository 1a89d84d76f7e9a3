//! Random policies, always valid.

use super::{CREDENTIALS, ENVS, Gen, TOOLS};
use serde_json::{Map, Value, json};

/// Some of these grant tools that nobody lists.
const PATTERNS: [&str; 8] = ["*", "r*", "*_fil*", "delete*", "*e", "un*_tool", "pay", "nothing*"];
const ROLE_NAMES: [&str; 6] = ["reader", "ops/admin", "team:blue.v1-x", "Writer_2", "A", "a"];

impl Gen {
    /// A policy of one to four roles, as JSON text.
    pub fn policy(&mut self) -> String {
        self.focused = self.chance(15);
        if self.focused {
            return self.focused_policy();
        }
        self.handed = false;
        self.servers = self.chance(40);
        let count = self.pick(&[1, 2, 2, 3, 3, 4]);
        let first = self.below(ROLE_NAMES.len() as u64) as usize;
        let names: Vec<&str> = (0..count).map(|i| ROLE_NAMES[(first + i) % ROLE_NAMES.len()]).collect();
        let mut roles = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let parent = if i > 0 && self.chance(45) { Some(self.pick(&names[..i])) } else { None };
            roles.push(self.role(name, parent));
        }
        if self.chance(50) {
            roles.reverse(); // a parent may stand behind its children
        }
        let mut document = json!({"version": 1, "roles": roles});
        if self.servers && self.chance(80) {
            document["mcp_servers"] = self.catalogues();
        }
        if self.chance(35) {
            document["manifests"] = self.manifests();
        }
        if self.chance(40) {
            document["policies"] = self.policies();
        }
        if self.chance(20) { format!("{document:#}") } else { document.to_string() }
    }

    /// One role that has one constraint for every tool, and nothing else.
    fn focused_policy(&mut self) -> String {
        self.handed = false;
        self.servers = false;
        let lists: Map<String, Value> =
            TOOLS.iter().map(|tool| (tool.to_string(), json!([self.constraint()]))).collect();
        let key = if self.chance(70) { "parameter_constraints" } else { "approval_unless" };
        let mut role = json!({"name": "focus", "allowed_tools": TOOLS, "max_delegation_depth": 2});
        role[key] = Value::Object(lists);
        json!({"version": 1, "roles": [role]}).to_string()
    }

    fn role(&mut self, name: &str, parent: Option<&str>) -> Value {
        let mut role = Map::new();
        role.insert("name".to_string(), json!(name));
        if let Some(parent) = parent {
            role.insert("parent_role_id".to_string(), json!(parent));
        }
        let mut tools = self.some(&TOOLS, 55);
        if tools.is_empty() && self.chance(90) {
            tools.push(self.pick(&TOOLS));
        }
        role.insert("allowed_tools".to_string(), json!(tools));
        if self.chance(if self.servers { 35 } else { 20 }) {
            let count = self.range(1, 2);
            let patterns: Vec<&str> = (0..count).map(|_| self.pick(&PATTERNS)).collect();
            role.insert("allowed_actions".to_string(), json!(patterns));
        }
        if self.chance(10) {
            role.insert("description".to_string(), json!("made up"));
        }
        if self.chance(70) {
            role.insert("max_delegation_depth".to_string(), json!(self.range(0, 3)));
        }
        self.tool_guards(&mut role);
        if self.chance(60) {
            self.wide_guards(&mut role);
        }
        if self.servers && self.chance(75) {
            self.server_guards(&mut role);
        }
        if self.servers && self.chance(60) {
            self.at_servers(&mut role);
        }
        Value::Object(role)
    }

    /// Constraints, approvals, credentials and forbids.
    fn tool_guards(&mut self, role: &mut Map<String, Value>) {
        let mut insert = |key: &str, value: Value| role.insert(key.to_string(), value);
        let tools = self.some(&TOOLS, 35);
        if !tools.is_empty() && self.chance(75) {
            let lists: Map<String, Value> =
                tools.iter().map(|tool| (tool.to_string(), self.constraint_list())).collect();
            insert("parameter_constraints", Value::Object(lists));
        }
        let needing = self.some(&TOOLS, 20);
        let mut unless = self.some(&TOOLS, 20);
        if !needing.is_empty() && self.chance(50) {
            unless.retain(|tool| !needing.contains(tool)); // both at once is refused
            insert("approval_required", json!(needing));
        }
        if !unless.is_empty() && self.chance(40) {
            let lists: Map<String, Value> =
                unless.iter().map(|tool| (tool.to_string(), self.constraint_list())).collect();
            insert("approval_unless", Value::Object(lists));
        }
        if self.chance(40) {
            insert("approval_ttl_seconds", json!(self.pick(&[0, 5, 60, 600, 86_400])));
        }
        if self.chance(15) {
            let tool = self.pick(&TOOLS);
            let list = [
                "delete", "delete_*", "*.reset", "admin*", "write", "*_fil*", tool, "r*d", "*:*", "PAY",
                "pa*y", "**/tool",
            ];
            let count = self.range(1, 2);
            let mut denied: Vec<&str> = (0..count).map(|_| self.pick(&list)).collect();
            denied.dedup();
            insert("denied_actions", json!(denied));
        }
        if self.chance(20) {
            let mapping: Map<String, Value> = self
                .some(&TOOLS, 25)
                .iter()
                .map(|tool| (tool.to_string(), json!(self.pick(&CREDENTIALS))))
                .collect();
            insert("credential_mapping", Value::Object(mapping));
            insert("allowed_credentials", json!(self.some(&CREDENTIALS, 85)));
        }
    }

    /// Environments, rows, times and rates.
    fn wide_guards(&mut self, role: &mut Map<String, Value>) {
        let mut insert = |key: &str, value: Value| role.insert(key.to_string(), value);
        if self.chance(35) {
            let mut envs = self.some(&ENVS, 60);
            if envs.is_empty() {
                envs.push("prod");
            }
            insert("allowed_envs", json!(envs));
            if self.chance(50) {
                insert("env_optional", json!(self.chance(80)));
            }
        }
        if self.chance(12) {
            insert("min_trust_level", json!(self.pick(&[0, 10, 40, 49, 50, 51])));
        }
        if self.chance(25) {
            insert("max_rows", json!(self.pick(&[1, 10, 100, 1000])));
            if self.chance(50) {
                insert("rows_optional", json!(self.chance(80)));
            }
        }
        if self.chance(12) {
            let start = self.below(24);
            let end = self.below(24);
            if start != end {
                insert("allowed_hours_start", json!(start));
                insert("allowed_hours_end", json!(end));
            }
        }
        if self.chance(15) {
            let days: Vec<u64> = (0..7).filter(|_| self.chance(85)).collect();
            insert("allowed_days", json!(days));
        }
        if self.chance(35) {
            let minute = self.pick(&[1, 2, 3, 5, 7, 60, 1_000_000]);
            insert("rate_limit_per_minute", json!(minute));
        }
        if self.chance(20) {
            insert("rate_limit_per_hour", json!(self.pick(&[2, 5, 11, 100, 999_999])));
        }
        if self.chance(50) {
            insert("rate_scope", json!(if self.chance(55) { "session" } else { "key" }));
        }
        if self.chance(10) {
            insert("default_ttl_seconds", json!(self.pick(&[0, 60, 7200])));
        }
    }
}
