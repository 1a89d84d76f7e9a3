//! The guards of one tool, from a role and all its parents.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use crate::constraint::Program;
use crate::id::Name;
use crate::json::Members;
use crate::problem::PolicyError;
use crate::role::{Constraint, Role};

/// Everything that guards one tool besides role-wide guards.
#[derive(Debug, Default)]
pub(crate) struct ToolRules {
    pub(crate) constraints: Program,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) credentials: Vec<CredentialBinding>,
}

/// One role wants a person to agree.
#[derive(Debug)]
pub(crate) struct Approval {
    unless: Option<Program>,
    pub(crate) seconds: u64,
}

/// One role binds a credential to the tool.
#[derive(Debug)]
pub(crate) struct CredentialBinding {
    pub(crate) name: Name,
    /// Whether the same role allows that credential.
    pub(crate) allowed: bool,
}

impl Approval {
    /// The rules that let a call pass without a person, as words.
    pub(crate) fn unless(&self) -> Vec<String> {
        self.unless.iter().flat_map(Program::words).map(ToString::to_string).collect()
    }

    /// Whether the call may pass without a person.
    pub(crate) fn waived(&self, args: Option<&Members<'_>>) -> bool {
        match (&self.unless, args) {
            (Some(unless), Some(args)) => unless.check(args).is_ok(),
            _ => false,
        }
    }
}

impl ToolRules {
    pub(crate) fn read_arguments(&self) -> bool {
        !self.constraints.is_empty() || !self.approvals.is_empty()
    }
}

/// Shares equal rules between roles: a thousand roles with the same constraints hold them once.
#[derive(Debug, Default)]
pub(super) struct Shared(HashMap<String, Arc<ToolRules>>);

impl Shared {
    /// The rules of one tool along a chain of roles; `None` when nothing guards it.
    pub(super) fn rules(
        &mut self,
        tool: &Name,
        chain: &[&Role],
    ) -> Result<Option<Arc<ToolRules>>, PolicyError> {
        let guards: Vec<_> = chain.iter().map(|role| Guards::of(role, tool)).collect();
        if guards.iter().all(Guards::is_empty) {
            return Ok(None);
        }
        let text =
            serde_json::to_string(&guards.iter().map(Guards::source).collect::<Vec<_>>()).unwrap_or_default();
        if let Some(rules) = self.0.get(&text) {
            return Ok(Some(rules.clone()));
        }
        let rules = Arc::new(compile(tool, &guards)?);
        self.0.insert(text, rules.clone());
        Ok(Some(rules))
    }

    /// Forgets rules that no scope holds any more.
    pub(super) fn sweep(&mut self) {
        self.0.retain(|_, rules| Arc::strong_count(rules) > 1);
    }
}

/// What one role says about one tool.
struct Guards<'a> {
    constraints: &'a [Constraint],
    required: bool,
    unless: Option<&'a Vec<Constraint>>,
    seconds: u64,
    credential: Option<(&'a Name, bool)>,
}

impl<'a> Guards<'a> {
    fn of(role: &'a Role, tool: &Name) -> Self {
        Self {
            constraints: role.parameter_constraints.get(tool).map_or(&[], Vec::as_slice),
            required: role.approval_required.contains(tool),
            unless: role.approval_unless.get(tool),
            seconds: if role.approval_ttl_seconds == 0 { 900 } else { role.approval_ttl_seconds },
            credential: role.credential_mapping.get(tool).map(|c| (c, role.allowed_credentials.contains(c))),
        }
    }

    fn needs_approval(&self) -> bool {
        self.required || self.unless.is_some()
    }

    fn is_empty(&self) -> bool {
        self.constraints.is_empty() && !self.needs_approval() && self.credential.is_none()
    }

    /// Equal sources compile to equal rules.
    fn source(&self) -> serde_json::Value {
        let approval = self.needs_approval().then_some((self.unless, self.seconds));
        json!([self.constraints, approval, self.credential])
    }
}

fn compile(tool: &Name, guards: &[Guards<'_>]) -> Result<ToolRules, PolicyError> {
    let all: Vec<Constraint> = guards.iter().flat_map(|g| g.constraints.iter().cloned()).collect();
    let mut rules = ToolRules {
        constraints: Program::compile(&all)
            .map_err(|error| error.in_member(tool).in_member("parameter_constraints"))?,
        ..ToolRules::default()
    };
    for guard in guards {
        if guard.needs_approval() {
            let unless = guard.unless.map(|list| Program::compile(list)).transpose();
            let unless = unless.map_err(|error| error.in_member(tool).in_member("approval_unless"))?;
            rules.approvals.push(Approval { unless, seconds: guard.seconds });
        }
        if let Some((name, allowed)) = guard.credential {
            rules.credentials.push(CredentialBinding { name: name.clone(), allowed });
        }
    }
    Ok(rules)
}
