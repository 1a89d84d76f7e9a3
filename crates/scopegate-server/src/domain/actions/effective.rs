//! What an agent may do, as roles: those that it was assigned, together, or else the baseline; within what
//! its permissions allow, and without what they deny.

use std::sync::Arc;

use scopegate_core::{Denial, DenyCode, MAX_PARENTS, Name, PolicyError, Role};
use sha2::{Digest as _, Sha256};

use super::super::{Failure, RoleDocument, Tenant};
use super::rule;
use crate::setup::BASELINE;
use crate::store::{AgentRow, Permissions};

/// Of a session that only denies.
const NOTHING: &str = "nothing";
/// How many sub-agents deep an agent's permissions reach: as deep as its roles do.
const DEEPEST: u64 = 8;

/// The roles of an agent, as they stand.
#[derive(Debug)]
pub(super) struct Effective {
    /// The name of the role that its sessions act in.
    pub(super) role: Name,
    /// The id of that role; of one that is made for the agent, its name.
    pub(super) role_id: Name,
    /// The names of those that were assigned.
    pub(super) names: Vec<Name>,
    /// Why all is denied, where it is.
    pub(super) denial: Option<Denial>,
    /// The role that its permissions are, above the other.
    pub(super) within: Option<Name>,
    make: Make,
}

/// What has to be made of the roles.
#[derive(Debug)]
enum Make {
    /// There is a role that says it all.
    Nothing,
    /// A role that allows nothing.
    Empty,
    /// One role of several, and of what is denied; the most trust that one of them wants.
    Merged(Vec<Arc<RoleDocument>>, Option<u64>),
}

/// What was last made of an agent's roles: their ids and versions, and its permissions.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::domain) struct Laid {
    roles: Vec<(Name, u64)>,
    permissions: Permissions,
}

impl Tenant {
    /// The roles of an agent, or of a caller that is none.
    pub(super) fn effective(&self, agent: Option<&AgentRow>) -> Effective {
        let none = Permissions::default();
        let permissions = agent.map_or(&none, |agent| &agent.permissions);
        let assigned = match self.assigned(agent) {
            Ok(assigned) => assigned,
            Err(why) => return Effective::nothing(why),
        };
        let names = assigned.iter().map(|document| document.name.clone()).collect();
        let whose = agent.map_or("", |agent| &agent.id);
        let within = (!permissions.allowed.is_empty()).then(|| made(whose, "within"));
        match &assigned[..] {
            [only] if permissions.denied.is_empty() => Effective {
                role: only.name.clone(),
                role_id: only.id.clone(),
                names,
                denial: None,
                within,
                make: Make::Nothing,
            },
            _ => {
                let role = level(whose, 0);
                let least = assigned.iter().filter_map(|one| one.enforced_ref().min_trust_level).max();
                let make = Make::Merged(self.with_parents(&assigned), least);
                Effective { role_id: role.clone(), role, names, denial: None, within, make }
            }
        }
    }

    /// The roles that an agent was assigned, or the baseline. One that is gone denies all: what it forbade
    /// must not be allowed by its end.
    fn assigned(&self, agent: Option<&AgentRow>) -> Result<Vec<Arc<RoleDocument>>, String> {
        let book = self.book.roles();
        let ids = agent.map_or(&[][..], |agent| &agent.roles);
        if ids.is_empty() {
            let why = || {
                format!(
                    "no role allows this: the agent has none, and there is no role `{BASELINE}`; assign one, or \
                     make that"
                )
            };
            return Ok(vec![book.find(BASELINE).cloned().ok_or_else(why)?]);
        }
        let find = |id: &Name| {
            let gone = || format!("the role `{id}` that the agent was assigned is gone; unassign it");
            book.find(id).filter(|document| document.id == *id).cloned().ok_or_else(gone)
        };
        ids.iter().map(find).collect()
    }

    /// Roles, then their parents, each once: a tool is guarded by all that stand before the one it is of.
    fn with_parents(&self, assigned: &[Arc<RoleDocument>]) -> Vec<Arc<RoleDocument>> {
        let book = self.book.roles();
        let parent =
            |one: &Arc<RoleDocument>| book.find(one.enforced_ref().parent_role_id.as_ref()?).cloned();
        let mut all: Vec<Arc<RoleDocument>> = assigned.to_vec();
        for role in assigned {
            for above in std::iter::successors(parent(role), parent).take(MAX_PARENTS) {
                if !all.iter().any(|known| known.id == above.id) {
                    all.push(above);
                }
            }
        }
        all
    }

    /// Puts what has to be made of the roles in force, unless it is. Called while changes are made.
    pub(super) fn lay(&self, agent: Option<&AgentRow>, effective: &Effective) -> Result<(), PolicyError> {
        let whose = agent.map_or("", |agent| &agent.id);
        let none = Permissions::default();
        let permissions = agent.map_or(&none, |agent| &agent.permissions);
        let mut laid = super::super::tenant::lock(&self.laid);
        let now = effective.laid(permissions);
        let key = (Name::from(whose), effective.role.clone());
        if laid.get(&key) == Some(&now) {
            return Ok(());
        }
        laid.remove(&key);
        if let Some(name) = &effective.within {
            let mut role = Role::new(name.clone());
            role.allowed_actions = permissions.allowed.clone();
            role.max_delegation_depth = DEEPEST;
            self.enforcer.put_role(role)?;
        }
        match &effective.make {
            Make::Nothing => {}
            Make::Empty => self.enforcer.put_role(Role::new(effective.role.clone()))?,
            Make::Merged(documents, least) => {
                // Parents first.
                for role in merged(whose, (documents, *least), &permissions.denied).into_iter().rev() {
                    self.enforcer.put_role(role)?;
                }
            }
        }
        laid.insert(key, now);
        Ok(())
    }

    /// Whether what was made of the roles is what they say now.
    pub(super) fn is_laid(&self, agent: Option<&AgentRow>, effective: &Effective) -> bool {
        if effective.within.is_none() && matches!(effective.make, Make::Nothing) {
            return true;
        }
        let (whose, none) = (agent.map_or("", |agent| &agent.id), Permissions::default());
        let permissions = agent.map_or(&none, |agent| &agent.permissions);
        let laid = super::super::tenant::lock(&self.laid);
        laid.get(&(Name::from(whose), effective.role.clone())) == Some(&effective.laid(permissions))
    }

    /// Makes what was made of roles anew where they say something else since: sessions and delegations stand in
    /// it. Called while changes are made.
    pub(in crate::domain) fn lay_again(&self) {
        let agents: Vec<Arc<AgentRow>> = self.book.agents().iter().cloned().collect();
        for agent in &agents {
            let effective = self.effective(Some(agent));
            let was_laid = || {
                let key = (agent.id.clone(), effective.role.clone());
                super::super::tenant::lock(&self.laid).contains_key(&key)
            };
            let is_stale = !self.is_laid(Some(agent), &effective) && was_laid();
            if is_stale && self.lay(Some(agent), &effective).is_err() {
                // What cannot be put together any more allows nothing.
                let _ = self.enforcer.put_role(Role::new(effective.role.clone()));
            }
        }
    }

    /// The role that an agent acts in, in force; `None` where it has none.
    pub(in crate::domain) async fn role_in_force(&self, agent: &str) -> Result<Option<Name>, Failure> {
        self.change(|| {
            let Some(agent) = self.book.agents().get(agent).cloned() else { return Ok((None, Vec::new())) };
            let effective = self.effective(Some(&agent));
            if effective.denial.is_some() {
                return Ok((None, Vec::new()));
            }
            self.can_lay(&agent)?;
            Ok((Some(effective.role), Vec::new()))
        })
        .await
    }

    /// Whether an agent could be held to these roles and permissions.
    pub(in crate::domain) fn can_lay(&self, agent: &AgentRow) -> Result<(), Failure> {
        let effective = self.effective(Some(agent));
        self.lay(Some(agent), &effective).map_err(|error| {
            Failure::Conflict(format!("the roles and permissions cannot be put together: {error}"))
        })
    }
}

impl Effective {
    /// All is denied.
    fn nothing(why: String) -> Self {
        let role = made("", NOTHING);
        let denial = Some(rule(DenyCode::ScopeViolation, why));
        Self { role_id: role.clone(), role, names: Vec::new(), denial, within: None, make: Make::Empty }
    }

    /// The same, because the roles cannot be put together.
    pub(super) fn broken(error: &PolicyError) -> Self {
        Self::nothing(format!("the agent's roles cannot be put together: {error}"))
    }

    fn laid(&self, permissions: &Permissions) -> Laid {
        let roles = match &self.make {
            Make::Merged(documents, _) => documents.iter().map(|one| (one.id.clone(), one.version)).collect(),
            Make::Nothing | Make::Empty => Vec::new(),
        };
        Laid { roles, permissions: permissions.clone() }
    }
}

/// One role of several: what is denied, then each of them with the next as its parent. All want the trust that
/// one of them wants.
fn merged(
    whose: &str,
    (documents, least): (&[Arc<RoleDocument>], Option<u64>),
    denied: &[Name],
) -> Vec<Role> {
    let mut roles: Vec<Role> = documents.iter().map(|document| document.enforced()).collect();
    if !denied.is_empty() {
        let first = roles.first();
        let above = Role {
            denied_actions: denied.to_vec(),
            default_ttl_seconds: first.map_or(0, |role| role.default_ttl_seconds),
            max_delegation_depth: first.map_or(0, |role| role.max_delegation_depth),
            ..Role::default()
        };
        roles.insert(0, above);
    }
    let last = roles.len().saturating_sub(1);
    for (index, role) in roles.iter_mut().enumerate() {
        role.name = level(whose, index);
        role.min_trust_level = role.min_trust_level.max(least);
        role.parent_role_id = (index < last).then(|| level(whose, index + 1));
    }
    roles
}

fn level(whose: &str, index: usize) -> Name {
    made(whose, &index.to_string())
}

/// The name of a role that is made for an agent: a UUID, which no role of a tenant may be called.
fn made(whose: &str, what: &str) -> Name {
    let hash: [u8; 32] = Sha256::digest(format!("scopegate-made-role\0{whose}\0{what}")).into();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string().into()
}
