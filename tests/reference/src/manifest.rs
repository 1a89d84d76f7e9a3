//! What an agent may do to the resources that its calls name.

use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// An agent's manifest.
#[derive(Debug)]
pub struct Manifest {
    /// Actions by resource.
    pub resources: HashMap<String, HashSet<String>>,
}

/// Reads all manifests, by agent.
pub fn read_manifests(text: &str) -> Result<HashMap<String, Manifest>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut manifests = HashMap::new();
    for value in document["manifests"].as_array().cloned().unwrap_or_default() {
        let agent = value["agent_id"].as_str().ok_or("a manifest without an agent")?;
        let mut resources = HashMap::new();
        if let Some(anywhere) = value["allowed_actions"].as_array() {
            resources.insert("*".to_string(), words(anywhere));
        }
        for (resource, actions) in value["resource_actions"].as_object().cloned().unwrap_or_default() {
            resources.insert(resource, words(actions.as_array().map_or(&[][..], |list| list)));
        }
        manifests.insert(agent.to_string(), Manifest { resources });
    }
    Ok(manifests)
}

fn words(list: &[Value]) -> HashSet<String> {
    list.iter().filter_map(Value::as_str).map(str::to_string).collect()
}

impl Manifest {
    /// Whether a call that names a resource is in the manifest. A call that names no action is judged by its
    /// tool, and nothing is ever called the empty name.
    pub(crate) fn covers(&self, resource: &str, action: Option<&str>, tool: &str) -> bool {
        if resource.is_empty() {
            return false;
        }
        let actions = match (self.resources.get(resource), self.resources.get("*")) {
            (Some(own), _) => own,
            (None, Some(anywhere)) => anywhere,
            (None, None) => return false,
        };
        actions.contains(action.unwrap_or(tool))
    }
}
