//! Random manifests, and the resources that calls name.

use super::{ACTIONS, Gen, OWNERS, TOOLS};
use crate::manifest::Manifest;
use serde_json::{Map, Value, json};

/// Resources. `*` is one that a call may name too.
pub const RESOURCES: [&str; 5] = ["claims", "decisions", "files/a b", "Claims", "*"];

impl Gen {
    /// The manifests of some of the agents.
    pub(crate) fn manifests(&mut self) -> Value {
        let mut manifests = Vec::new();
        for agent in self.some(&OWNERS, 75) {
            let mut manifest = Map::new();
            manifest.insert("agent_id".to_string(), json!(agent));
            if self.chance(30) {
                manifest.insert("capabilities".to_string(), json!(self.some(&ACTIONS, 40)));
            }
            let resources: Map<String, Value> = self
                .some(&RESOURCES, 65)
                .into_iter()
                .map(|resource| (resource.to_string(), json!(self.actions())))
                .collect();
            if !resources.contains_key("*") && self.chance(40) {
                let mut anywhere = self.actions();
                anywhere.push("read");
                manifest.insert("allowed_actions".to_string(), json!(anywhere));
            }
            manifest.insert("resource_actions".to_string(), Value::Object(resources));
            manifests.push(Value::Object(manifest));
        }
        Value::Array(manifests)
    }

    /// Mostly many, sometimes none, some of them twice.
    fn actions(&mut self) -> Vec<&'static str> {
        if self.chance(8) {
            return Vec::new();
        }
        let mut actions = self.some(&ACTIONS, 70);
        actions.extend(self.some(&TOOLS, 80));
        if self.chance(10) {
            actions.push("*");
        }
        if self.chance(30) {
            actions.extend(actions.clone());
            actions.reverse();
        }
        actions
    }

    /// The resource that a call names, if it names one: one that the manifest covers, mostly.
    pub(crate) fn resource(
        &mut self,
        manifest: Option<&Manifest>,
        action: Option<&str>,
        tool: &str,
    ) -> Option<String> {
        if !self.chance(if manifest.is_some() { 60 } else { 4 }) {
            return None;
        }
        let covered: Vec<&str> = RESOURCES
            .into_iter()
            .chain(["elsewhere"])
            .filter(|resource| manifest.is_none_or(|manifest| manifest.covers(resource, action, tool)))
            .collect();
        match self.below(20) {
            0 => Some(self.pick(&["", "CLAIMS", "claims ", "claims\0", "nowhere"]).to_string()),
            1 => Some(self.pick(&RESOURCES).to_string()),
            _ if covered.is_empty() => None,
            _ => Some(self.pick(&covered).to_string()),
        }
    }
}
