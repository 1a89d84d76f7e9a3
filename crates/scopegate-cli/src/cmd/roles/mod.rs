//! `scopegate roles`: what agents of a plane may do.

mod apply;
mod plan;
mod show;

use std::path::PathBuf;

use crate::confirm::change;
use crate::connection::Connection;
use crate::exit::{Exit, Failure};
use crate::output::{Output, message};
use crate::reveal::reveal;

/// See and write the roles of a plane
///
/// Reading takes any key, writing one of kind admin. A role of a policy file means the same on a plane
/// as in a process; what a file cannot say, such as webhooks, stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 not (diff: they differ; apply, delete: you said no), 2 it cannot be done as given,
4 no answer

Examples:
  scopegate roles list
  scopegate roles diff policy.yaml
  scopegate roles apply policy.yaml
  scopegate roles assign payer agent_3hTq0ZkV9aXcQ1w2
  scopegate roles get payer --output json")]
pub(crate) struct Roles {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List all roles
    List,
    /// Show everything that is set in a role
    Get {
        /// Its name or id
        role: String,
    },
    /// Make the plane's roles those of a policy file
    ///
    /// First shows what would change, member by member. A role that the plane has and the file does not
    /// is left alone. Applying the same file twice changes nothing.
    Apply {
        /// The policy file, YAML or JSON
        policy: PathBuf,
        /// Change without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Show what `apply` would change
    ///
    /// The exit code is 1 when there is something.
    Diff {
        /// The policy file, YAML or JSON
        policy: PathBuf,
    },
    /// Assign a role to an agent: it is in force at the agent's next action
    Assign {
        /// Its name or id
        role: String,
        /// The agent's id
        agent: String,
    },
    /// Take a role back from an agent
    Unassign {
        /// Its name or id
        role: String,
        /// The agent's id
        agent: String,
    },
    /// End a role, and with it its sessions
    Delete {
        /// Its name or id
        role: String,
        /// End it without asking
        #[arg(short, long)]
        yes: bool,
    },
}

impl Roles {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List => show::list(&plane, output),
            Action::Get { role } => show::get(&plane, &role, output),
            Action::Apply { policy, yes } => apply::apply(&plane, &policy, yes, output),
            Action::Diff { policy } => apply::diff(&plane, &policy, output),
            Action::Assign { role, agent } => {
                plane.ask(plane.client.xybern().assign_role(&role, &agent))?;
                message(&format!("agent `{}` has role `{}`", reveal(&agent), reveal(&role)));
                Ok(Exit::Ok)
            }
            Action::Unassign { role, agent } => {
                plane.ask(plane.client.xybern().unassign_role(&role, &agent))?;
                message(&format!("agent `{}` has role `{}` no more", reveal(&agent), reveal(&role)));
                Ok(Exit::Ok)
            }
            Action::Delete { role, yes } => {
                // Looked at first, so that nobody is asked about a role that is not there.
                let name = reveal(&plane.ask(plane.client.get_role(&role))?.name);
                change(yes, &format!("End role `{name}` and its sessions?"), || {
                    plane.ask(plane.client.delete_role(&role))?;
                    Ok(format!("role `{name}` is ended"))
                })
            }
        }
    }
}
