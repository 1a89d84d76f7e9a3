//! Line 5 goes on: a call that names a resource has to be in its agent's manifest, where it has one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::ToolCall;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::Facts;
use crate::id::Name;
use crate::plain;
use crate::problem::{PolicyError, Problem};

/// Stands for every resource that has no entry of its own.
const REST: &str = "*";
/// Most bytes of a name.
const LONGEST: usize = 512;
/// Most names in one manifest.
const MAX_NAMES: usize = 4096;

/// What an agent may do to which resource. An agent without a manifest is judged by its role alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct Manifest {
    /// Whose it is: the owner of sessions, to the letter.
    #[serde(deserialize_with = "plain::text")]
    pub agent_id: Name,
    /// What else it may do, for whoever asks for it by name. No tool call does.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "plain::texts")]
    pub capabilities: Vec<Name>,
    /// The actions it may take, by resource. The entry `*` stands for every resource without one of its
    /// own; an entry, even an empty one, replaces it. Nothing in a name is a pattern.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "plain::texts_by_name")]
    pub resource_actions: BTreeMap<Name, Vec<Name>>,
    /// Another spelling of the entry `*`: one of the two, and with at least one action.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain::maybe_texts")]
    pub allowed_actions: Option<Vec<Name>>,
    /// For people. No rule reads it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "plain::object")]
    #[cfg_attr(feature = "schema", schemars(with = "Map<String, Value>"))]
    pub metadata: Option<Map<String, Value>>,
}

/// What a manifest has not got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "whoever words a refusal must word each")]
pub enum Lack {
    /// The agent has none at all.
    Manifest,
    /// The capability that was asked for.
    Capability,
    /// The resource.
    Resource,
    /// The action, on that resource.
    Action,
}

impl Manifest {
    /// A manifest that allows nothing yet.
    pub fn new(agent_id: impl Into<Name>) -> Self {
        Self { agent_id: agent_id.into(), ..Self::default() }
    }

    /// The manifest with these capabilities too.
    #[must_use]
    pub fn with_capabilities<N: Into<Name>>(mut self, capabilities: impl IntoIterator<Item = N>) -> Self {
        self.capabilities.extend(capabilities.into_iter().map(Into::into));
        self
    }

    /// The manifest with these actions on a resource, in the place of what it said of it; `*` is every
    /// resource of which it says nothing.
    #[must_use]
    pub fn with_actions<N: Into<Name>>(
        mut self,
        resource: impl Into<Name>,
        actions: impl IntoIterator<Item = N>,
    ) -> Self {
        self.resource_actions.insert(resource.into(), actions.into_iter().map(Into::into).collect());
        self
    }

    /// The manifest as it is judged by: every list sorted and each name once, all under `resource_actions`.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the manifest.
    pub fn sorted(&self) -> Result<Self, PolicyError> {
        self.check()?;
        let mut sorted = Self { allowed_actions: None, ..self.clone() };
        if let Some(actions) = &self.allowed_actions {
            sorted.resource_actions.insert(REST.into(), actions.clone());
        }
        sort(&mut sorted.capabilities);
        sorted.resource_actions.values_mut().for_each(sort);
        Ok(sorted)
    }

    fn check(&self) -> Result<(), PolicyError> {
        name(&self.agent_id).map_err(|error| error.in_member("agent_id"))?;
        names(&self.capabilities).map_err(|error| error.in_member("capabilities"))?;
        for (resource, actions) in &self.resource_actions {
            let place = |error: PolicyError| error.in_member(resource).in_member("resource_actions");
            name(resource).and_then(|()| names(actions)).map_err(place)?;
        }
        if let Some(actions) = &self.allowed_actions {
            self.check_rest(actions).map_err(|error| error.in_member("allowed_actions"))?;
        }
        let many =
            self.capabilities.len() + self.resource_actions.values().map(|a| a.len() + 1).sum::<usize>();
        if many > MAX_NAMES {
            return Err(Problem::TooMany(many, MAX_NAMES).into());
        }
        Ok(())
    }

    fn check_rest(&self, actions: &[Name]) -> Result<(), PolicyError> {
        if self.resource_actions.contains_key(REST) {
            return Err(Problem::TwoRests.into());
        }
        if actions.is_empty() {
            return Err(Problem::NoActions.into());
        }
        names(actions)
    }

    /// Whether the agent holds a capability. Only of a [`sorted`](Self::sorted) manifest.
    fn holds(&self, capability: &str) -> bool {
        lists(&self.capabilities, capability)
    }

    /// Whether the agent may take an action on a resource. Only of a [`sorted`](Self::sorted) manifest.
    fn permits(&self, resource: &str, action: &str) -> Result<(), Lack> {
        // An entry replaces the one for all the rest, also where it allows less.
        let own = self.resource_actions.get(resource).filter(|_| !resource.is_empty());
        let rest = || self.resource_actions.get(REST).filter(|_| !resource.is_empty());
        let actions = own.or_else(rest).ok_or(Lack::Resource)?;
        if lists(actions, action) { Ok(()) } else { Err(Lack::Action) }
    }
}

/// The manifests in force, by agent. Only operators add to it, so a fixed hash is safe.
#[derive(Clone, Debug, Default)]
pub struct Manifests(HashMap<Name, Arc<Manifest>, FixedState>);

impl Manifests {
    /// Puts a manifest in the place of the agent's earlier one.
    ///
    /// # Errors
    /// [`PolicyError`] with the place inside the manifest; nothing changed.
    pub fn put(&mut self, manifest: &Manifest) -> Result<(), PolicyError> {
        let sorted = manifest.sorted()?;
        self.0.insert(sorted.agent_id.clone(), Arc::new(sorted));
        Ok(())
    }

    /// Forgets an agent's manifest; whether there was one.
    pub fn remove(&mut self, agent: &str) -> bool {
        self.0.remove(agent).is_some()
    }

    /// An agent's manifest, sorted.
    #[inline]
    pub fn get(&self, agent: &str) -> Option<&Arc<Manifest>> {
        self.0.get(agent)
    }

    /// How many agents have one.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no agent has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What an agent's manifest alone says. The capability is only looked at where one is asked for, before
    /// the resource and never in its place.
    ///
    /// # Errors
    /// The first thing that is lacking. To ask is not to be let through: nothing is recorded here.
    pub fn ask(
        &self,
        agent: &str,
        capability: Option<&str>,
        resource: &str,
        action: &str,
    ) -> Result<(), Lack> {
        let manifest = self.get(agent).ok_or(Lack::Manifest)?;
        if capability.is_some_and(|capability| !manifest.holds(capability)) {
            return Err(Lack::Capability);
        }
        manifest.permits(resource, action)
    }
}

/// The action is the call's own; a call that names none is one of its tool.
#[inline(always)]
pub(crate) fn check(facts: &Facts<'_>, call: &ToolCall) -> Result<(), Denial> {
    check_of(facts.manifest, call)
}

/// The same of another agent's manifest.
#[inline(always)]
pub(super) fn check_of(manifest: Option<&Manifest>, call: &ToolCall) -> Result<(), Denial> {
    match (manifest, &call.resource) {
        (Some(manifest), Some(resource)) => {
            judge(manifest, resource, call.action.as_ref().unwrap_or(&call.tool))
        }
        _ => Ok(()),
    }
}

#[inline(never)]
fn judge(manifest: &Manifest, resource: &Name, action: &Name) -> Result<(), Denial> {
    manifest.permits(resource, action).map_err(|lack| {
        let name = if lack == Lack::Action { action } else { resource };
        Denial::with(DenyCode::ScopeViolation, Detail::manifest(lack, name))
    })
}

/// Names are in the order of their code points, which is that of their bytes.
fn lists(sorted: &[Name], name: &str) -> bool {
    sorted.binary_search_by(|listed| listed.as_str().cmp(name)).is_ok()
}

fn sort(names: &mut Vec<Name>) {
    names.sort_unstable();
    names.dedup();
}

fn names(names: &[Name]) -> Result<(), PolicyError> {
    names.iter().zip(0..).try_for_each(|(text, index)| name(text).map_err(|error| error.in_element(index)))
}

/// Names are other people's words, so nearly everything may stand in them.
fn name(text: &str) -> Result<(), PolicyError> {
    match text.len() {
        0 => Err(Problem::EmptyName.into()),
        1..=LONGEST => Ok(()),
        long => Err(Problem::LongName(long, LONGEST).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Lack, Manifest, Manifests};
    use crate::problem::{PolicyError, Problem};

    fn manifests(manifest: Manifest) -> Manifests {
        let mut manifests = Manifests::default();
        manifests.put(&manifest).unwrap();
        manifests
    }

    #[test]
    fn an_entry_replaces_the_rest_and_is_never_merged() {
        let manifests = manifests(
            Manifest::new("a")
                .with_capabilities(["c", "", "c"].into_iter().filter(|c| !c.is_empty()))
                .with_actions("*", ["read", "write"])
                .with_actions("claims", ["read"])
                .with_actions("empty", <[&str; 0]>::default()),
        );
        let ask = |capability, resource, action| manifests.ask("a", capability, resource, action);
        for (capability, resource, action, expected) in [
            (None, "claims", "read", Ok(())),
            (None, "claims", "write", Err(Lack::Action)),
            (None, "empty", "read", Err(Lack::Action)),
            (None, "other", "write", Ok(())),
            (None, "*", "write", Ok(())),
            (None, "Claims", "write", Ok(())),
            (None, "claims", "Read", Err(Lack::Action)),
            (None, "claims", "*", Err(Lack::Action)),
            (None, "claims", "rea", Err(Lack::Action)),
            (None, "", "read", Err(Lack::Resource)),
            (None, "other", "", Err(Lack::Action)),
            (Some("c"), "claims", "read", Ok(())),
            (Some("c"), "claims", "write", Err(Lack::Action)),
            (Some("C"), "claims", "read", Err(Lack::Capability)),
            (Some(""), "claims", "read", Err(Lack::Capability)),
            (Some("x"), "empty", "read", Err(Lack::Capability)),
        ] {
            assert_eq!(ask(capability, resource, action), expected, "{capability:?} {resource} {action}");
        }
        assert_eq!(manifests.ask("A", None, "claims", "read"), Err(Lack::Manifest));
    }

    #[test]
    fn a_star_among_actions_is_a_word() {
        let manifests = manifests(Manifest::new("a").with_actions("r", ["*"]));
        assert_eq!(manifests.ask("a", None, "r", "read"), Err(Lack::Action));
        assert_eq!(manifests.ask("a", None, "r", "*"), Ok(()));
        assert_eq!(manifests.ask("a", None, "s", "*"), Err(Lack::Resource));
    }

    #[test]
    fn lists_are_sorted_by_code_point_and_hold_each_name_once() {
        let manifest = Manifest::new("a").with_capabilities(["b", "\u{1f600}", "a", "\u{ffff}", "b", "B"]);
        assert_eq!(manifest.sorted().unwrap().capabilities, ["B", "a", "b", "\u{ffff}", "\u{1f600}"]);
    }

    #[test]
    fn a_later_manifest_replaces_the_earlier_one() {
        let mut manifests = manifests(Manifest::new("a").with_actions("r", ["read"]));
        manifests.put(&Manifest::new("a").with_actions("s", ["read"])).unwrap();
        assert_eq!(manifests.ask("a", None, "r", "read"), Err(Lack::Resource));
        assert_eq!((manifests.len(), manifests.remove("a"), manifests.remove("a")), (1, true, false));
    }

    #[test]
    fn bad_manifests_are_refused_and_change_nothing() {
        let none = <[&str; 0]>::default();
        let rest = |manifest: Manifest, actions: &[&str]| Manifest {
            allowed_actions: Some(actions.iter().copied().map(Into::into).collect()),
            ..manifest
        };
        let long = "x".repeat(513);
        for (manifest, place, problem) in [
            (Manifest::new(""), "agent_id", Problem::EmptyName),
            (Manifest::new(long.as_str()), "agent_id", Problem::LongName(513, 512)),
            (Manifest::new("a").with_capabilities(["c", ""]), "capabilities[1]", Problem::EmptyName),
            (Manifest::new("a").with_actions("", ["x"]), "resource_actions.", Problem::EmptyName),
            (Manifest::new("a").with_actions("r", [""]), "resource_actions.r[0]", Problem::EmptyName),
            (rest(Manifest::new("a"), &[]), "allowed_actions", Problem::NoActions),
            (rest(Manifest::new("a"), &[""]), "allowed_actions[0]", Problem::EmptyName),
            (rest(Manifest::new("a").with_actions("*", none), &["x"]), "allowed_actions", Problem::TwoRests),
        ] {
            let mut manifests = manifests(Manifest::new("a").with_actions("r", ["read"]));
            let error: PolicyError = manifests.put(&manifest).unwrap_err();
            assert_eq!(error.to_string(), format!("{place}: {problem}"));
            assert_eq!(manifests.ask("a", None, "r", "read"), Ok(()));
        }
        let many = Manifest::new("a").with_actions("r", (0..4096).map(|n| n.to_string()));
        assert_eq!(many.sorted().unwrap_err().problem, Problem::TooMany(4097, 4096));
    }
}
