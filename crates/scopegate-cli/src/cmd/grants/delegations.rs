//! `scopegate grants delegations`.

use scopegate_client::xybern::DelegationDraft;

use super::show;
use crate::confirm::change;
use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::reveal::reveal;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// List what an agent gave and got
    List {
        /// The agent's id
        agent: String,
    },
    /// Hand on some of what one agent may do
    Give {
        /// Who hands it on: the agent's id
        source: String,
        /// Who gets it: the agent's id
        target: String,
        /// Actions that it admits, `*` for any characters; again for each
        #[arg(long = "scope", value_name = "PATTERN", required = true)]
        scopes: Vec<String>,
        /// For how long; an hour unless said otherwise
        #[arg(long, value_name = "N")]
        seconds: Option<u64>,
        /// For so many actions
        #[arg(long, value_name = "N")]
        max_uses: Option<u64>,
        /// The delegation that it is a part of
        #[arg(long, value_name = "ID")]
        parent: Option<String>,
        /// What for
        #[arg(long, value_name = "TEXT")]
        instruction: Option<String>,
    },
    /// Say whether a delegation admits an action to whoever has it
    Verify {
        /// Its id
        delegation: String,
        /// The action
        action: Option<String>,
    },
    /// End a delegation, and all that is a part of it
    Revoke {
        /// Its id
        delegation: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// End it without asking
        #[arg(short, long)]
        yes: bool,
    },
}

impl Action {
    pub(super) fn run(self, plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
        let xybern = plane.client.xybern();
        match self {
            Self::List { agent } => show::list(&plane.ask(xybern.list_delegations(&agent))?, output),
            Self::Give { source, target, scopes, seconds, max_uses, parent, instruction } => {
                let mut draft = DelegationDraft::default();
                (draft.source_agent_id, draft.target_agent_id, draft.scopes) = (source, target, scopes);
                (draft.ttl_seconds, draft.max_uses) = (seconds, max_uses);
                (draft.parent_grant_id, draft.instruction) = (parent, instruction);
                show::one(&plane.ask(xybern.delegate(&draft))?, output)
            }
            Self::Verify { delegation, action } => {
                let verified = plane.ask(xybern.verify_delegation(&delegation, action.as_deref()))?;
                output.members(&verified)?;
                Ok(if verified.valid { Exit::Ok } else { Exit::Denied })
            }
            Self::Revoke { delegation, reason, yes } => {
                let question =
                    format!("End delegation `{}`, and all that is a part of it?", reveal(&delegation));
                change(yes, &question, || {
                    plane.ask(xybern.revoke_delegation(&delegation, reason.as_deref()))?;
                    Ok(format!("delegation `{}` is over", reveal(&delegation)))
                })
            }
        }
    }
}
