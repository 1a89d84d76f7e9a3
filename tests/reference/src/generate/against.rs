//! Random policies that stand against calls, always valid, and the hands that calls went through.

use super::{ACTIONS, Gen, OWNERS, TOOLS};
use serde_json::{Map, Value, json};

const GLOBS: [&str; 8] = ["delete*", "*.reset", "p*y", "write", "*_file", "*:*", "read", "**"];
const PATTERNS: [&str; 14] = [
    "alpha",
    "(?i)ALPHA",
    "^a",
    "[0-9]{4}",
    "/srv/data",
    r"\.\.",
    "example\\.com$",
    r#""note":"x""#,
    "\\[1,",
    "EUR|USD",
    "^1[05]$",
    r"\{\}",
    "null[,}]",
    "\u{e9}",
];
/// Agents that may stand in a chain beside the owners of sessions.
const HANDS: [&str; 3] = ["relay", "mallory", "Alice"];

impl Gen {
    /// One to four policies.
    pub(crate) fn policies(&mut self) -> Value {
        let count = self.pick(&[1, 1, 2, 2, 3, 4]);
        let policies = (0..count).map(|index| self.against(&format!("p{index}")));
        policies.collect::<Vec<_>>().into()
    }

    fn against(&mut self, name: &str) -> Value {
        let mut policy = Map::new();
        let mut insert = |key: &str, value: Value| policy.insert(key.to_string(), value);
        insert("name", json!(name));
        insert("decision", json!(if self.chance(50) { "deny" } else { "hold" }));
        if self.chance(40) {
            insert("priority", json!(self.below(11) as i64 - 5));
        }
        if self.chance(20) {
            insert("mode", json!(if self.chance(85) { "shadow" } else { "live" }));
        }
        if self.chance(10) {
            insert("enabled", json!(self.chance(40)));
        }
        if self.chance(60) {
            insert("absolute", json!(self.chance(10)));
        }
        let kind = self.pick(&[
            "action_type",
            "threshold",
            "content_pattern",
            "content_pattern",
            "temporal",
            "chain_of_custody",
        ]);
        insert("policy_type", json!(kind));
        // One that asks nothing else must not speak of everything.
        if kind == "action_type" || self.chance(35) {
            let mut names = self.some(&TOOLS, 15);
            names.extend(self.some(&ACTIONS, 10));
            names.extend(self.some(&GLOBS, 8));
            names.push(self.pick(&GLOBS[..7]));
            insert("action_types", json!(names));
        }
        match kind {
            "threshold" => {
                let level = self.pick(&[10.0, 35.5, 42.0, 45.0, 48.0, 49.9, 50.0, 50.2, 52.0, 100.0]);
                // Written both ways.
                let whole = level == 42.0 || level == 45.0;
                insert("trust_threshold", if whole { json!(level as u64) } else { json!(level) });
            }
            "content_pattern" => {
                let mut patterns = self.some(&PATTERNS, 8);
                patterns.push(self.pick(&PATTERNS));
                insert("conditions", json!({"patterns": patterns}));
            }
            "temporal" => insert_times(self, &mut insert),
            "chain_of_custody" => {
                self.handed = true;
                let mut asks = Map::new();
                if self.chance(60) {
                    asks.insert("max_chain_depth".to_string(), json!(self.range(0, 3)));
                }
                let mut agents = self.some(&OWNERS, 15);
                agents.extend(self.some(&HANDS, 30));
                if asks.is_empty() || !agents.is_empty() {
                    agents.push("mallory");
                    asks.insert("forbidden_agents".to_string(), json!(agents));
                }
                insert("conditions", Value::Object(asks));
            }
            _ => {}
        }
        Value::Object(policy)
    }

    /// Through whose hands a call came: mostly nobody's.
    pub(crate) fn via(&mut self) -> Vec<String> {
        if !self.chance(if self.handed { 40 } else { 1 }) {
            return Vec::new();
        }
        let all = [&HANDS[..], &OWNERS[..]].concat();
        (0..self.range(1, 3)).map(|_| self.pick(&all).to_string()).collect()
    }
}

fn insert_times(random: &mut Gen, insert: &mut impl FnMut(&str, Value) -> Option<Value>) {
    let first = random.below(24);
    let hours: Vec<u64> = (0..random.range(1, 6)).map(|more| (first + more) % 24).collect();
    let days: Vec<u64> = (1..=7).filter(|_| random.chance(20)).collect();
    let conditions = match random.below(3) {
        0 if !days.is_empty() => json!({"blocked_days": days}),
        1 => json!({"blocked_hours": hours, "blocked_days": days}),
        _ => json!({"blocked_hours": hours}),
    };
    insert("conditions", conditions);
}
