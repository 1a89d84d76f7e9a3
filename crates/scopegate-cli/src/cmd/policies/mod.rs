//! `scopegate policies`: what stands against calls on a plane, whatever grants them.

pub(super) mod plan;
mod show;

use std::path::PathBuf;

use scopegate_engine::Policy;

use self::plan::{Step, What, plan, tell};
use crate::confirm::change;
use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;
use crate::trial::read;

/// See, apply and turn live the policies of a plane
///
/// A policy denies calls or has a person agree to them, whatever role grants them. One in the shadow changes
/// nothing, and `report` says what it would have done. Reading takes any key but one for emergencies, the
/// report one of kind admin or auditor, writing one of kind admin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 not (you said no), 2 it cannot be done as given, 4 no answer

Examples:
  scopegate policies apply policy.yaml
  scopegate policies list
  scopegate policies report --hours 48
  scopegate policies promote pol_3hTq0ZkV9aXcQ1w2")]
pub(crate) struct Policies {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List all policies, from the highest priority down
    List,
    /// Show everything about a policy
    Show {
        /// Its id
        policy: String,
    },
    /// Make and change policies as a policy file says under `policies`
    ///
    /// First shows what would change. Policies are known by their names; those that the file does not name
    /// stay, and so do those of packs.
    Apply {
        /// The policy file
        policy: PathBuf,
        /// Change without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Turn a shadow policy live: from then on it decides
    Promote {
        /// Its id
        policy: String,
        /// Change without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Show what the policies in the shadow would have done
    Report {
        /// Of this policy alone
        #[arg(long, value_name = "ID")]
        policy: Option<String>,
        /// How far to look back
        #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=744))]
        hours: u64,
    },
    /// End a policy
    Delete {
        /// Its id
        policy: String,
        /// End it without asking
        #[arg(short, long)]
        yes: bool,
    },
}

impl Policies {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List => show::list(&plane, output),
            Action::Show { policy } => {
                output.members(&plane.ask(plane.client.xybern().get_policy(&policy))?)?;
                Ok(Exit::Ok)
            }
            Action::Apply { policy, yes } => apply(&plane, &read(&policy)?, yes, output),
            Action::Promote { policy, yes } => promote(&plane, &policy, yes),
            Action::Report { policy, hours } => show::report(&plane, policy.as_deref(), hours, output),
            Action::Delete { policy, yes } => delete(&plane, &policy, yes),
        }
    }
}

fn apply(plane: &Plane, policy: &Policy, yes: bool, output: &mut Output) -> Result<Exit, Failure> {
    if policy.policies.is_empty() {
        return Err(Failure::usage("the file has nothing under `policies`"));
    }
    let stands = plane.ask(plane.client.xybern().list_policies())?;
    let steps = plan(&policy.policies, &stands);
    tell(&steps, output)?;
    output.flush()?;
    let todo: Vec<&Step> = steps.iter().filter(|step| step.action != What::Keep).collect();
    if todo.is_empty() {
        output::message("nothing to do: the plane has these policies already");
        return Ok(Exit::Ok);
    }
    let question = format!("Write {} of {} policies to {}?", todo.len(), steps.len(), plane.url());
    change(yes, &question, || {
        for (done, step) in todo.iter().enumerate() {
            let (name, of) = (reveal(&step.policy), todo.len());
            write(plane, step).map_err(|failure| {
                failure.and(&format!("policy `{name}` was not written; {done} of {of} were"))
            })?;
        }
        Ok(format!("{} of {} policies written", todo.len(), steps.len()))
    })
}

fn write(plane: &Plane, step: &Step) -> Result<(), Failure> {
    let xybern = plane.client.xybern();
    let written = match &step.id {
        None => plane.ask(xybern.create_policy(&step.draft)),
        Some(id) => plane.ask(xybern.update_policy(id, &step.draft)),
    };
    written.map(drop)
}

fn promote(plane: &Plane, policy: &str, yes: bool) -> Result<Exit, Failure> {
    // Looked at first, so that nobody is asked about a policy that is not there.
    let stands = plane.ask(plane.client.xybern().get_policy(policy))?;
    let name = reveal(&stands.name);
    let question =
        format!("Turn policy `{name}` live? From then on it decides ({}).", reveal(&stands.decision));
    change(yes, &question, || {
        plane.ask(plane.client.xybern().promote_shadow_policy(policy))?;
        Ok(format!("policy `{name}` is live"))
    })
}

fn delete(plane: &Plane, policy: &str, yes: bool) -> Result<Exit, Failure> {
    let name = reveal(&plane.ask(plane.client.xybern().get_policy(policy))?.name);
    let question =
        format!("End policy `{name}`? What it stood against is then as permitted as its roles say.");
    change(yes, &question, || {
        plane.ask(plane.client.xybern().delete_policy(policy))?;
        Ok(format!("policy `{name}` is over"))
    })
}
