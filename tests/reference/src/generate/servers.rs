//! Random MCP servers: what they offer, who may go there, and what calls say of them.

use super::{Gen, TOOLS};
use crate::decide::Link;
use crate::mcp::{Claim, server_passes};
use serde_json::{Map, Value, json};

/// Servers: two that are well known, and two that only a catalogue describes.
pub const SERVERS: [&str; 4] = ["filesystem", "database", "files-2", "erp/eu"];

/// Members of arguments that schemas speak of.
const FIELDS: [&str; 8] = ["amount", "path", "name", "env", "limit", "items", "note", "tags"];

impl Gen {
    /// What some of the servers offer: most tools, many with a schema.
    pub(crate) fn catalogues(&mut self) -> Value {
        let mut servers = Map::new();
        for server in self.some(&SERVERS, 60) {
            let offered = self.some(&TOOLS, 85);
            let tools: Vec<Value> = offered
                .into_iter()
                .map(|tool| {
                    let mut offered = match self.chance(45) {
                        true => json!({"name": tool, "inputSchema": self.tool_schema()}),
                        false => json!({"name": tool}),
                    };
                    if self.chance(8) {
                        offered["quarantined"] = json!(self.chance(80));
                    }
                    offered
                })
                .collect();
            servers.insert(server.to_string(), json!({ "tools": tools }));
        }
        Value::Object(servers)
    }

    /// The servers a role lists, and how often it may go there.
    pub(crate) fn server_guards(&mut self, role: &mut Map<String, Value>) {
        if self.chance(85) {
            let mut servers = self.some(&SERVERS, 70);
            if servers.is_empty() {
                servers.push("filesystem");
            }
            role.insert("allowed_mcp_servers".to_string(), json!(servers));
        }
        if self.chance(45) {
            let limits: Map<String, Value> = self
                .some(&SERVERS, 60)
                .into_iter()
                .map(|server| (server.to_string(), json!(self.pick(&[0, 1, 2, 3, 7, 1_000_000]))))
                .collect();
            role.insert("mcp_server_rate_limits".to_string(), Value::Object(limits));
        }
    }

    /// Some of what a role says of tools, said of one server's tool instead, or as well.
    pub(crate) fn at_servers(&mut self, role: &mut Map<String, Value>) {
        let listed: Vec<String> =
            role.get("allowed_mcp_servers").and_then(Value::as_array).map_or_else(Vec::new, |listed| {
                listed.iter().filter_map(Value::as_str).map(str::to_string).collect()
            });
        let some = |this: &mut Gen| match listed.is_empty() || this.chance(10) {
            true => this.pick(&SERVERS).to_string(),
            false => this.pick_ref(&listed).clone(),
        };
        for member in ["allowed_tools", "approval_required", "denied_actions"] {
            let Some(entries) = role.get_mut(member).and_then(Value::as_array_mut) else { continue };
            for entry in entries.iter_mut() {
                if self.chance(35) {
                    *entry = json!(format!("{}@{}", entry.as_str().unwrap_or_default(), some(self)));
                }
            }
            if self.chance(25) {
                entries.push(json!(format!("{}@{}", self.pick(&TOOLS), some(self))));
            }
        }
        if self.chance(10) {
            let denied = role.entry("denied_actions").or_insert_with(|| json!([]));
            let pattern = self.pick(&["*_file@files*", "delete*@*", "r*@file*", "write@erp/*", "*@database"]);
            denied.as_array_mut().into_iter().for_each(|denied| denied.push(json!(pattern)));
        }
        for member in ["parameter_constraints", "approval_unless", "credential_mapping"] {
            let Some(said) = role.get(member).and_then(Value::as_object).cloned() else { continue };
            let mut entries = Map::new();
            for (tool, rules) in said {
                let at = format!("{tool}@{}", some(self));
                match self.below(100) {
                    0..=24 => drop(entries.insert(at, rules)),
                    25..=39 => entries.extend([(at, rules.clone()), (tool, rules)]),
                    _ => drop(entries.insert(tool, rules)),
                }
            }
            role.insert(member.to_string(), Value::Object(entries));
        }
        self.settle_approvals(role);
        if let Some(limits) = role.get_mut("mcp_server_rate_limits").and_then(Value::as_object_mut)
            && self.chance(40)
        {
            let tool = format!("{}@{}", self.pick(&TOOLS), some(self));
            limits.insert(tool, json!(self.pick(&[0, 1, 2, 5])));
        }
    }

    /// A tool that always waits for a person cannot be waived as well: that is refused.
    fn settle_approvals(&self, role: &mut Map<String, Value>) {
        let held = role.get("approval_required").cloned().unwrap_or_else(|| json!([]));
        let held = |entry: &str| held.as_array().is_some_and(|held| held.contains(&json!(entry)));
        if let Some(unless) = role.get_mut("approval_unless").and_then(Value::as_object_mut) {
            unless.retain(|entry, _| !held(entry) && !held(entry.split('@').next().unwrap_or_default()));
            if unless.is_empty() {
                role.remove("approval_unless");
            }
        }
    }

    /// The server a call names: one that every link lists, mostly.
    pub(crate) fn server(&mut self, links: &[Link]) -> Option<String> {
        let passing: Vec<&str> = SERVERS
            .into_iter()
            .filter(|server| links.iter().all(|link| server_passes(link, Some(server))))
            .collect();
        let silent = links.iter().all(|link| server_passes(link, None));
        match self.below(100) {
            0..=2 => {
                Some(self.pick(&["filesystem", "erp/eu", "Filesystem", "erp", "", "nowhere"]).to_string())
            }
            3 => None,
            _ if silent || passing.is_empty() => None,
            _ => Some(self.pick(&passing).to_string()),
        }
    }

    /// What a call claims beside its server.
    pub(crate) fn claims(&mut self, to_server: bool) -> (Option<Claim>, Option<String>) {
        let often = if to_server { 20 } else { 2 };
        let claim = match self.below(100) {
            0 => Some(Claim::Foreign),
            1 => Some(Claim::Of(self.below(4) as usize)),
            n if n < often => Some(Claim::Own),
            _ => None,
        };
        let schema = match self.below(100) {
            0 => Some(self.no_schema().to_string()),
            n if n < often => Some(self.tool_schema().to_string()),
            _ => None,
        };
        (claim, schema)
    }

    /// A schema that most arguments fit.
    pub(crate) fn tool_schema(&mut self) -> Value {
        let mut schema = Map::new();
        if self.chance(60) {
            schema.insert(
                "type".to_string(),
                self.pick_ref(&[json!("object"), json!(["object", "null"])]).clone(),
            );
        }
        let fields = self.some(&FIELDS, 35);
        let properties: Map<String, Value> =
            fields.iter().map(|field| (field.to_string(), self.part(2))).collect();
        if self.chance(8) {
            schema.insert("required".to_string(), json!(self.some(&fields, 40)));
        }
        if self.chance(6) {
            let rest = self.pick_ref(&[json!(false), json!(true), json!({"type": "string"})]).clone();
            schema.insert("additionalProperties".to_string(), rest);
        }
        schema.insert("properties".to_string(), Value::Object(properties));
        if self.chance(15) {
            schema.insert(
                "$defs".to_string(),
                json!({"shared": self.part(1), "tree": {"items": {"$ref": "#/$defs/tree"}}}),
            );
            let name = self.pick(&FIELDS);
            let reference = self.pick(&["#/$defs/shared", "#/$defs/tree", "#"]);
            schema["properties"][name] = json!({"$ref": reference});
        }
        Value::Object(schema)
    }

    /// A subschema for one argument.
    fn part(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 9 } else { 13 }) {
            0 => json!(true),
            1 => json!({}),
            2 => json!({"type": ["string", "number", "array", "boolean", "null"]}),
            3 => json!({"type": self.pick(&["string", "number", "integer", "array", "object"])}),
            4 => json!({"minimum": self.pick(&[-5, 0, 1]), "maximum": self.pick(&[100, 10_000])}),
            5 => json!({"minLength": self.below(2), "maxLength": self.range(4, 40)}),
            6 => json!({"minItems": self.below(2), "maxItems": self.range(1, 5)}),
            7 => json!({"not": {"enum": ["alpha", 0, null, [1.0], {"x": 1}]}}),
            8 => json!({"not": {"const": self.pick_ref(&[json!("beta"), json!(5), json!([])])}}),
            9 => json!({"anyOf": [self.part(depth - 1), {"type": "string"}, {"type": "number"}]}),
            10 => json!({"allOf": [self.part(depth - 1), self.part(depth - 1)]}),
            11 => json!({"items": self.part(depth - 1)}),
            _ => json!({"properties": {"x": self.part(depth - 1), "sku": {"type": "string"}}}),
        }
    }

    /// What a call may claim to be a schema, and is none.
    fn no_schema(&mut self) -> Value {
        let circle = json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "properties": {"q": {"$ref": "#/$defs/a"}}});
        let none = [
            json!([]),
            json!("schema"),
            json!(true),
            json!({"type": "text"}),
            json!({"type": 7}),
            json!({"type": []}),
            json!({"required": "name"}),
            json!({"properties": {"q": 5}}),
            json!({"$ref": "https://example.com/s"}),
            json!({"$ref": "#/$defs/none"}),
            json!({"$ref": "#"}),
            json!({"allOf": [{"not": {"$ref": "#"}}]}),
            circle,
        ];
        self.pick_ref(&none).clone()
    }
}
