//! A policy on trial: decisions as an agent would get them, without records, at a time that
//! stands still.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scopegate_core::{
    AccessRequest, Enforcer, Hold, Name, PolicyView, Principal, Provision, Review, Reviews, ScopeView,
    ShadowReport, Timestamp, ToolCall, ToolView,
};
use scopegate_engine::{
    Clock, CredentialSource, LocalEnforcer, ManualClock, Policy, RecordsSpec, SystemClock,
};

use crate::answer::Answer;
use crate::exit::Failure;
use crate::reveal::reveal;
use crate::when::time;

/// Which policy and role, and when.
#[derive(Debug, clap::Args)]
pub(crate) struct TrialArgs {
    /// The policy file, YAML or JSON
    #[arg(short, long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The role of the agent; may be left out when the policy has only one
    #[arg(short, long)]
    pub(crate) role: Option<Name>,
    /// Decide as if it were this time, UTC: 2026-05-15T09:30:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
}

/// An enforcer of one policy, and one of its roles.
pub(crate) struct Trial {
    pub(crate) policy: Policy,
    pub(crate) role: Name,
    enforcer: LocalEnforcer,
    runtime: tokio::runtime::Runtime,
}

impl Trial {
    /// Reads the policy and finds the role.
    pub(crate) fn open(args: &TrialArgs) -> Result<Self, Failure> {
        let mut policy = read(&args.policy)?;
        let role = role(&policy, args.role.as_ref())?;
        // A question asked from the command line is not a decision of the deployment.
        policy.records = Some(RecordsSpec::None);
        let now = args.at.unwrap_or_else(|| SystemClock::new().now());
        let enforcer = LocalEnforcer::builder(policy.clone())
            .clock(ManualClock::new(now))
            .credentials(Assumed)
            .build()
            .map_err(Failure::no_answer)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::no_answer)?;
        Ok(Self { policy, role, enforcer, runtime })
    }

    /// A session of the role.
    pub(crate) fn session(&self, owner: impl Into<Name>) -> Result<Principal, Failure> {
        let opened = self.enforcer.open(Provision::new(self.role.clone(), owner));
        opened.map(|session| session.principal).map_err(Failure::no_answer)
    }

    /// Asks.
    pub(crate) fn ask(&self, principal: &Principal, call: &ToolCall) -> Result<Answer, Failure> {
        let request = AccessRequest::new(principal.as_ref(), call);
        let decision = self.runtime.block_on(self.enforcer.enforce(&request));
        decision.map(Answer::from).map_err(Failure::no_answer)
    }

    /// The review that a held call waits for.
    pub(crate) fn review(&self, hold: Hold) -> Option<Review> {
        self.enforcer.pending_reviews().into_iter().find(|review| review.id == hold.review)
    }

    /// Agrees to a held call, as a person would.
    pub(crate) fn approve(&self, review: &Review) -> Result<(), Failure> {
        let agreed = self.runtime.block_on(self.enforcer.approve(review.id, "reviewer"));
        agreed.map(drop).map_err(Failure::no_answer)
    }

    /// The policies, in words.
    pub(crate) fn policies(&self) -> Vec<PolicyView> {
        self.enforcer.policies()
    }

    /// The policies that decide and match a call, in words, from the most restrictive on.
    pub(crate) fn matching(&self, principal: &Principal, call: &ToolCall) -> Vec<PolicyView> {
        let names = self.enforcer.policies_matching(&AccessRequest::new(principal.as_ref(), call));
        let views = self.policies();
        let view = |name: &Name| views.iter().find(|view| view.name == *name).cloned();
        names.iter().filter_map(|(name, _)| view(name)).collect()
    }

    /// What policies in the shadow would have done to the calls so far.
    pub(crate) fn shadow(&self) -> ShadowReport {
        self.enforcer.shadow_report()
    }

    /// One tool of the role, at this MCP server or at none, listed or not; `None` when nothing grants it there.
    pub(crate) fn view_of(&self, tool: &Name, server: Option<&Name>) -> Option<ToolView> {
        self.enforcer.explain_tool(&self.role, tool, server)
    }

    /// The role after inheritance.
    pub(crate) fn view(&self) -> Result<ScopeView, Failure> {
        self.enforcer.explain(&self.role).ok_or_else(|| Failure::no_answer("the role is gone"))
    }
}

/// Whether the deployment has the secrets is not known here; that the policy allows them is.
struct Assumed;

impl CredentialSource for Assumed {
    fn find(&self, _: &str) -> Option<Arc<str>> {
        Some("".into())
    }
}

/// Reads a policy that has to be right.
pub(crate) fn read(path: &Path) -> Result<Policy, Failure> {
    Policy::from_file(path).map_err(|error| {
        if error.line == 0 {
            Failure::usage(reveal(&format!("{}: {}", error.file, error.message)))
        } else {
            Failure::usage(format!("{}\n`scopegate validate` checks policies", reveal(&error.to_string())))
        }
    })
}

/// The role that is meant.
pub(crate) fn role(policy: &Policy, wanted: Option<&Name>) -> Result<Name, Failure> {
    let names: Vec<_> = policy.roles.iter().map(|role| role.name.as_str()).collect();
    match (wanted, &*names) {
        (Some(wanted), names) if names.contains(&wanted.as_str()) => Ok(wanted.clone()),
        (None, [only]) => Ok((*only).into()),
        (_, []) => Err(Failure::usage("the policy has no roles, so it permits nothing")),
        (Some(wanted), names) => {
            let (wanted, names) = (reveal(wanted), names.join(", "));
            Err(Failure::usage(format!("the policy has no role `{wanted}`; its roles: {names}")))
        }
        (None, names) => {
            Err(Failure::usage(format!("which role? add --role with one of: {}", names.join(", "))))
        }
    }
}
