//! The policy file: what people write, review and keep in version control.

mod locate;
mod read;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use scopegate_core::{
    Catalogue, Catalogues, Compiler, Manifest, Manifests, Name, Policies, PolicyDecision, PolicyError,
    PolicyRule, Problem, Role, plain,
};
use serde::{Deserialize, Serialize};

pub use self::read::PolicyFileError;
pub(crate) use self::read::{document, read_strictly};

/// The first line of a policy file, which names its schema to editors.
pub const SCHEMA_LINE: &str = "# yaml-language-server: $schema=./scopegate.schema.json";

/// A policy: roles, policies, manifests, and how decisions are recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct Policy {
    /// The version of the format: 1.
    #[serde(deserialize_with = "plain::number")]
    pub version: u64,
    /// Accept a policy without roles, which permits nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "plain::truth")]
    pub allow_empty: bool,
    /// Where decisions are recorded; in memory when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<RecordsSpec>,
    /// What MCP servers offer, by name. A server that stands here has no other tools; of
    /// filesystem, github, slack and database some are known without.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp_servers: BTreeMap<Name, Catalogue>,
    /// What agents may do to which resource, one for each agent. A call that names a resource, from an agent that
    /// stands here, has to be in its manifest and in its role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<Manifest>,
    /// What stands against calls, whatever role grants them; the most restrictive of all that match wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyRule>,
    /// The roles.
    #[serde(default)]
    pub roles: Vec<Role>,
}

/// Where decisions are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[expect(clippy::exhaustive_enums, reason = "a new place must be handled where records open")]
pub enum RecordsSpec {
    /// Nowhere. Nothing that was permitted can be shown later.
    None,
    /// The last 10,000 in memory.
    Memory,
    /// JSON lines in a folder.
    File(FileSpec),
}

/// Record files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "policies are built field by field")]
pub struct FileSpec {
    /// The folder, made when missing. Relative to the working directory.
    pub folder: PathBuf,
    /// Whether a permit waits for the disk.
    #[serde(default)]
    pub durability: Durability,
    /// Start a new file at this size, in bytes; 0 means 64 MiB.
    #[serde(default, deserialize_with = "plain::number")]
    pub rotate_bytes: u64,
}

/// Whether a permit waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the policy format has these two")]
pub enum Durability {
    /// No: a crash may lose up to one second of permits already given.
    #[default]
    Buffered,
    /// Yes: on disk first.
    Durable,
}

impl Policy {
    /// A policy of these roles, recorded in memory.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        Self { version: 1, roles: roles.into_iter().collect(), ..Self::default() }
    }

    /// Everything that can be wrong with the policy as a whole and with each role.
    ///
    /// # Errors
    /// [`PolicyError`]: the first problem and its place.
    pub fn check(&self) -> Result<(), PolicyError> {
        let roles = self.by_name()?;
        self.catalogues()?;
        self.manifests()?;
        self.check_policies()?;
        let mut compiler = Compiler::default();
        for (index, role) in self.roles.iter().enumerate() {
            compiler.compile(role, &roles, 0).map_err(|error| error.in_element(index).in_member("roles"))?;
        }
        Ok(())
    }

    /// Its policies alone.
    pub(crate) fn check_policies(&self) -> Result<(), PolicyError> {
        compile_policies(&self.policies).map(drop)
    }

    /// The catalogues, compiled.
    pub(crate) fn catalogues(&self) -> Result<Catalogues, PolicyError> {
        let mut catalogues = Catalogues::default();
        for (server, catalogue) in &self.mcp_servers {
            let place = |error: PolicyError| error.in_member(server).in_member("mcp_servers");
            catalogues.put(server, catalogue).map_err(place)?;
        }
        Ok(catalogues)
    }

    /// The manifests, sorted.
    pub(crate) fn manifests(&self) -> Result<Manifests, PolicyError> {
        let mut manifests = Manifests::default();
        for (index, manifest) in self.manifests.iter().enumerate() {
            let place = |error: PolicyError| error.in_element(index).in_member("manifests");
            if manifests.get(&manifest.agent_id).is_some() {
                let problem = Problem::DuplicateManifest(manifest.agent_id.to_string());
                return Err(place(PolicyError::from(problem).in_member("agent_id")));
            }
            manifests.put(manifest).map_err(place)?;
        }
        Ok(manifests)
    }

    /// The roles by name.
    pub(crate) fn by_name(&self) -> Result<BTreeMap<Name, Arc<Role>>, PolicyError> {
        if self.version != 1 {
            return Err(PolicyError::from(Problem::Version(self.version)).in_member("version"));
        }
        if self.roles.is_empty() && !self.allow_empty {
            return Err(PolicyError::from(Problem::NoRoles).in_member("roles"));
        }
        let mut roles = BTreeMap::new();
        for (index, role) in self.roles.iter().enumerate() {
            if roles.insert(role.name.clone(), Arc::new(role.clone())).is_some() {
                let problem = PolicyError::from(Problem::DuplicateRole(role.name.to_string()));
                return Err(problem.in_member("name").in_element(index).in_member("roles"));
            }
        }
        Ok(roles)
    }
}

/// Policies as a file has them. They only restrict: one that permits would be believed to.
pub(crate) fn compile_policies(rules: &[PolicyRule]) -> Result<Policies, PolicyError> {
    let place = |error: PolicyError| error.in_member("policies");
    if let Some(index) = rules.iter().position(|policy| policy.decision == PolicyDecision::Permit) {
        let problem = PolicyError::from(Problem::PolicyPermits).in_member("decision");
        return Err(place(problem.in_element(index)));
    }
    Policies::compile(rules).map_err(place)
}
