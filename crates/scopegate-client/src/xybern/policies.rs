//! Policies, and packs of them.

use scopegate_core::{Conditions, PolicyDecision, PolicyMode, PolicyRule, Timestamp, Trust};
use serde::{Deserialize, Deserializer, Serialize};

use super::Xybern;
use crate::error::ClientError;
use crate::routes;

/// A policy to make, or what of one is to change. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PolicyDraft {
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `action_type`, `threshold`, `content_pattern`, `temporal` or `chain_of_custody`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_type: Option<String>,
    /// `allow`, `escalate` or `block`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Of several that would block a call, the one with the highest is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// The actions it speaks of; `*` stands for any characters. None means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_types: Option<Vec<String>>,
    /// What has to hold for it to match, as its type wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// It matches while the agent is trusted less than this; `Some(None)` takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub trust_threshold: Option<Option<Trust>>,
    /// `live` or `shadow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether it is looked at at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether nothing lifts it, break-glass included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absolute: Option<bool>,
}

/// Null is something that was said.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Trust>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// All of a policy, as a policy file has it, in this dialect's words.
impl From<&PolicyRule> for PolicyDraft {
    fn from(rule: &PolicyRule) -> Self {
        Self {
            name: Some(rule.name.to_string()),
            description: Some(rule.description.clone()),
            policy_type: Some(rule.policy_type.as_str().to_owned()),
            decision: Some(word(rule.decision).to_owned()),
            priority: Some(rule.priority),
            action_types: Some(rule.action_types.iter().map(ToString::to_string).collect()),
            conditions: Some(rule.conditions.clone()),
            trust_threshold: Some(rule.trust_threshold),
            mode: Some(if rule.mode == PolicyMode::Live { "live" } else { "shadow" }.to_owned()),
            enabled: Some(rule.enabled),
            absolute: Some(rule.absolute),
        }
    }
}

/// All of a policy as it stands.
impl From<&PolicyView> for PolicyDraft {
    fn from(view: &PolicyView) -> Self {
        let view = view.clone();
        Self {
            name: Some(view.name),
            description: Some(view.description),
            policy_type: Some(view.policy_type),
            decision: Some(view.decision),
            priority: Some(view.priority),
            action_types: Some(view.action_types),
            conditions: Some(view.conditions),
            trust_threshold: Some(view.trust_threshold),
            mode: Some(view.mode),
            enabled: Some(view.enabled),
            absolute: Some(view.absolute),
        }
    }
}

fn word(decision: PolicyDecision) -> &'static str {
    match decision {
        PolicyDecision::Permit => "allow",
        PolicyDecision::Hold => "escalate",
        PolicyDecision::Deny => "block",
    }
}

/// A policy as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PolicyView {
    /// Its id, which decisions name.
    pub policy_id: String,
    /// What people call it.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// What it looks at.
    pub policy_type: String,
    /// `allow`, `escalate` or `block`.
    pub decision: String,
    /// Of several that would block a call, the one with the highest is named.
    pub priority: i64,
    /// The actions it speaks of; none means all.
    pub action_types: Vec<String>,
    /// What has to hold for it to match.
    #[serde(default)]
    pub conditions: Conditions,
    /// It matches while the agent is trusted less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_threshold: Option<Trust>,
    /// `live` or `shadow`.
    pub mode: String,
    /// Whether it is looked at at all.
    pub enabled: bool,
    /// Whether nothing lifts it, break-glass included.
    #[serde(default)]
    pub absolute: bool,
    /// The pack that it changes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What shadow policies would have done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShadowReport {
    /// How far it looks back.
    pub hours: u64,
    /// From here on.
    pub since: Timestamp,
    /// By policy.
    pub policies: Vec<ShadowRow>,
}

/// What one shadow policy would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShadowRow {
    /// The policy.
    pub policy_id: String,
    /// What people call it.
    pub name: String,
    /// Decisions that were made since the policy is as it is.
    pub evaluated: u64,
    /// Those that it would have blocked.
    pub would_block: u64,
    /// Those that it would have held.
    pub would_escalate: u64,
    /// Those that would have had another answer.
    pub would_have_changed: u64,
    /// Whose those were.
    pub agents_affected: u64,
}

/// A pack to deploy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PackDraft {
    /// Its name: letters, digits and `_ . : / -`.
    pub name: String,
    /// Whatever tells it from its other versions.
    pub version: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its policies; each has a name of its own within the pack.
    #[serde(default)]
    pub policy_definitions: Vec<PolicyDraft>,
}

impl PackDraft {
    /// A version of a pack.
    pub fn new(name: impl Into<String>, version: impl Into<String>, policies: Vec<PolicyDraft>) -> Self {
        let (name, version) = (name.into(), version.into());
        Self { name, version, description: None, policy_definitions: policies }
    }
}

/// A pack as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PackView {
    /// Its name.
    pub name: String,
    /// The version in force.
    pub version: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The digest of what its policies say.
    pub source_hash: String,
    /// How many policies it has.
    pub policies: u64,
    /// All versions that can be gone back to, in the order they were deployed.
    #[serde(default)]
    pub versions: Vec<String>,
    /// When the version in force was first deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_at: Option<Timestamp>,
}

/// What became of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeployedPack {
    /// The pack.
    pub pack: PackView,
    /// What changed.
    pub summary: PackChanges,
}

/// How many policies a pack makes, changes, ends and leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PackChanges {
    /// That were not there.
    pub created: u64,
    /// That say something else.
    pub updated: u64,
    /// That are gone.
    pub removed: u64,
    /// That stay as they were.
    pub unchanged: u64,
}

/// Whether a pack could be deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TriedPack {
    /// Whether it could.
    pub valid: bool,
    /// What is wrong.
    pub errors: Vec<String>,
    /// What would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<PackChanges>,
}

#[derive(Deserialize)]
struct One {
    policy: PolicyView,
}

#[derive(Deserialize)]
struct Many {
    policies: Vec<PolicyView>,
}

#[derive(Deserialize)]
struct OnePack {
    pack: PackView,
}

#[derive(Deserialize)]
struct Packs {
    packs: Vec<PackView>,
}

#[derive(Serialize)]
struct RollBack<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    to_version: Option<&'a str>,
}

impl Xybern<'_> {
    /// All policies, also those of packs, from the highest priority down.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_policies(&self) -> Result<Vec<PolicyView>, ClientError> {
        let told: Many = self.client.http.ask(&routes::LIST_POLICIES, &[])?.told().await?;
        Ok(told.policies)
    }

    /// A policy by its id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_policy(&self, policy: &str) -> Result<PolicyView, ClientError> {
        let told: One = self.client.http.ask(&routes::GET_POLICY, &[policy])?.told().await?;
        Ok(told.policy)
    }

    /// Makes a policy; the draft has its name, type and decision.
    ///
    /// # Errors
    /// [`ClientError`]: `Invalid` says what is wrong, `Conflict` when another is called so.
    pub async fn create_policy(&self, draft: &PolicyDraft) -> Result<PolicyView, ClientError> {
        let told: One = self.client.http.ask(&routes::CREATE_POLICY, &[])?.json(draft)?.told().await?;
        Ok(told.policy)
    }

    /// Changes the members that the draft names.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` for a policy of a pack, which changes with it.
    pub async fn update_policy(&self, policy: &str, draft: &PolicyDraft) -> Result<PolicyView, ClientError> {
        let ask = self.client.http.ask(&routes::UPDATE_POLICY, &[policy])?;
        let told: One = ask.json(draft)?.told().await?;
        Ok(told.policy)
    }

    /// Ends a policy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_policy(&self, policy: &str) -> Result<(), ClientError> {
        let _: serde_json::Value = self.client.http.ask(&routes::DELETE_POLICY, &[policy])?.told().await?;
        Ok(())
    }

    /// Turns a shadow policy live.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when it is.
    pub async fn promote_shadow_policy(&self, policy: &str) -> Result<PolicyView, ClientError> {
        let told: One = self.client.http.ask(&routes::PROMOTE_POLICY, &[policy])?.told().await?;
        Ok(told.policy)
    }

    /// What the policies in the shadow would have done, of one alone where one is named; in the last day unless
    /// another number of hours is given.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_shadow_report(
        &self,
        policy: Option<&str>,
        hours: Option<u64>,
    ) -> Result<ShadowReport, ClientError> {
        let hours = hours.map(|hours| hours.to_string());
        let asked = [("policy_id", policy), ("hours", hours.as_deref())];
        let asked: Vec<_> = asked.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        self.client.http.ask(&routes::SHADOW_REPORT, &[])?.query(&asked).told().await
    }

    /// All packs, by name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_policy_packs(&self) -> Result<Vec<PackView>, ClientError> {
        let told: Packs = self.client.http.ask(&routes::LIST_PACKS, &[])?.told().await?;
        Ok(told.packs)
    }

    /// A pack by its name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_policy_pack(&self, pack: &str) -> Result<PackView, ClientError> {
        let told: OnePack = self.client.http.ask(&routes::GET_PACK, &[pack])?.told().await?;
        Ok(told.pack)
    }

    /// Puts all policies of a pack in force at once, in the place of those that an earlier version had. The same
    /// pack again changes nothing.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when this version was something else.
    pub async fn deploy_policy_pack(&self, pack: &PackDraft) -> Result<DeployedPack, ClientError> {
        self.client.http.ask(&routes::DEPLOY_PACK, &[])?.json(pack)?.told().await
    }

    /// Takes a pack back to a version, or to the one deployed before the one in force.
    ///
    /// # Errors
    /// [`ClientError`]: `Conflict` when there is none.
    pub async fn rollback_policy_pack(
        &self,
        pack: &str,
        to_version: Option<&str>,
    ) -> Result<DeployedPack, ClientError> {
        let ask = self.client.http.ask(&routes::ROLL_BACK_PACK, &[pack])?;
        ask.json(&RollBack { to_version })?.told().await
    }

    /// What the deployment of a pack would change. Nothing does.
    ///
    /// # Errors
    /// [`ClientError`]; a pack that is wrong is an answer.
    pub async fn validate_policy_pack(&self, pack: &PackDraft) -> Result<TriedPack, ClientError> {
        self.client.http.ask(&routes::VALIDATE_PACK, &[])?.json(pack)?.told().await
    }
}
