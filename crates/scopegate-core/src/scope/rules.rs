//! The guards of one tool, from a role and all its parents.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::Asks;
use crate::budget::Budget;
use crate::constraint::Program;
use crate::decision::Obligation;
use crate::facts::Waits;
use crate::id::Name;
use crate::json::Members;
use crate::problem::PolicyError;
use crate::redact;
use crate::role::{Constraint, OutputRule, Role};

/// Everything that guards one tool besides role-wide guards.
#[derive(Debug, Default)]
pub(crate) struct ToolRules {
    pub(crate) constraints: Program,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) credentials: Vec<CredentialBinding>,
    /// What has to be done to the answer.
    pub(crate) duties: Option<Arc<[Obligation]>>,
    /// All that is asked for here.
    pub(super) asks: Asks,
}

/// One role wants a person to agree.
#[derive(Debug)]
pub(crate) struct Approval {
    unless: Option<Program>,
    pub(crate) waits: Waits,
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
    pub(crate) fn waived(&self, args: Option<&Members<'_>>, budget: &Budget) -> bool {
        match (&self.unless, args) {
            (Some(unless), Some(args)) => unless.check_within(budget, args).is_ok(),
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
pub(super) struct Shared {
    rules: HashMap<Box<[Guards<'static>]>, Arc<ToolRules>, RandomState>,
    /// Lists of constraints that have compiled before, and so would again.
    sound: HashSet<Box<[Constraint]>, RandomState>,
}

impl Shared {
    /// The rules of one tool along a chain of roles, under each entry that means it, the closest first;
    /// `None` when nothing guards it.
    pub(super) fn rules(
        &mut self,
        entries: &[&str],
        chain: &[&Role],
    ) -> Result<Option<Arc<ToolRules>>, PolicyError> {
        let of_role = |role| entries.iter().map(move |entry| Guards::of(role, entry));
        let guards: SmallVec<[Guards<'_>; 1]> = chain.iter().copied().flat_map(of_role).collect();
        if guards.iter().all(Guards::is_empty) {
            return Ok(None);
        }
        if let Some(rules) = self.find(&guards) {
            return Ok(Some(rules));
        }
        let rules = Arc::new(compile(entries.first().copied().unwrap_or_default(), &guards)?);
        self.rules.insert(guards.into_iter().map(Guards::into_owned).collect(), rules.clone());
        Ok(Some(rules))
    }

    fn find<'a>(&self, guards: &[Guards<'a>]) -> Option<Arc<ToolRules>> {
        let rules: &HashMap<Box<[Guards<'a>]>, _, _> = &self.rules;
        rules.get(guards).cloned()
    }

    /// Whether a list of constraints compiles.
    pub(super) fn check(&mut self, constraints: &[Constraint]) -> Result<(), PolicyError> {
        if !self.sound.contains(constraints) {
            Program::compile(constraints)?;
            self.sound.insert(constraints.into());
        }
        Ok(())
    }

    /// Forgets rules that no scope holds any more.
    pub(super) fn sweep(&mut self) {
        self.rules.retain(|_, rules| Arc::strong_count(rules) > 1);
        self.sound.clear();
    }
}

/// What one role says about one tool. Equal guards compile to equal rules.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Guards<'a> {
    constraints: Cow<'a, [Constraint]>,
    approval: Option<ApprovalSource<'a>>,
    credential: Option<(Name, bool)>,
    outputs: Cow<'a, [OutputRule]>,
}

/// A person has to agree, unless all of this holds, within so many seconds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ApprovalSource<'a> {
    unless: Option<Cow<'a, [Constraint]>>,
    waits: Waits,
}

impl<'a> Guards<'a> {
    fn of(role: &'a Role, tool: &str) -> Self {
        let unless = role.approval_unless.get(tool);
        let asks = unless.is_some() || role.approval_required.iter().any(|entry| entry == tool);
        let seconds = if role.approval_ttl_seconds == 0 { 900 } else { role.approval_ttl_seconds };
        let waits = Waits { seconds, by: role.approval_by };
        let allowed = |name: &Name| role.allowed_credentials.contains(name);
        Self {
            constraints: role.parameter_constraints.get(tool).map_or(&[][..], Vec::as_slice).into(),
            approval: asks.then(|| ApprovalSource { unless: unless.map(Cow::from), waits }),
            credential: role.credential_mapping.get(tool).map(|name| (name.clone(), allowed(name))),
            outputs: role.redact_output.get(tool).map_or(&[][..], Vec::as_slice).into(),
        }
    }

    fn is_empty(&self) -> bool {
        self.constraints.is_empty()
            && self.approval.is_none()
            && self.credential.is_none()
            && self.outputs.is_empty()
    }

    fn into_owned(self) -> Guards<'static> {
        let owned = |list: Cow<'_, [Constraint]>| Cow::Owned(list.into_owned());
        let approval = self
            .approval
            .map(|ApprovalSource { unless, waits }| ApprovalSource { unless: unless.map(owned), waits });
        Guards {
            constraints: owned(self.constraints),
            approval,
            credential: self.credential,
            outputs: Cow::Owned(self.outputs.into_owned()),
        }
    }
}

fn compile(tool: &str, guards: &[Guards<'_>]) -> Result<ToolRules, PolicyError> {
    let all: Vec<Constraint> = guards.iter().flat_map(|guards| guards.constraints.iter().cloned()).collect();
    let outputs: Vec<OutputRule> = guards.iter().flat_map(|guards| guards.outputs.iter().cloned()).collect();
    let duties =
        redact::compile(&outputs).map_err(|error| error.in_member(tool).in_member("redact_output"))?;
    let mut rules = ToolRules {
        constraints: Program::compile(&all)
            .map_err(|error| error.in_member(tool).in_member("parameter_constraints"))?,
        duties: (!duties.is_empty()).then(|| duties.into()),
        ..ToolRules::default()
    };
    for guard in guards {
        if let Some(ApprovalSource { unless, waits }) = &guard.approval {
            let unless = unless.as_ref().map(|list| Program::compile(list)).transpose();
            let unless = unless.map_err(|error| error.in_member(tool).in_member("approval_unless"))?;
            rules.approvals.push(Approval { unless, waits: *waits });
        }
        if let Some((name, allowed)) = &guard.credential {
            rules.credentials.push(CredentialBinding { name: name.clone(), allowed: *allowed });
        }
    }
    rules.asks = Asks::of_rules(&rules);
    Ok(rules)
}
