//! `scopegate grants breakglass`.

use scopegate_client::xybern::BreakglassDraft;

use super::show;
use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::Output;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// List every break-glass
    List,
    /// Break the glass for an agent
    Open {
        /// The agent's id
        agent: String,
        /// Why, in ten characters at least
        #[arg(long, value_name = "TEXT")]
        justification: String,
        /// How bad it is
        #[arg(long, value_parser = ["critical", "high", "medium"])]
        severity: String,
        /// For how long; 15 unless said otherwise
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=120))]
        minutes: Option<u64>,
        /// For these actions alone, `*` for any characters
        #[arg(long, value_name = "PATTERN")]
        action: Option<String>,
        /// For so many actions
        #[arg(long, value_name = "N")]
        max_actions: Option<u64>,
    },
    /// End a break-glass before its time
    Close {
        /// Its id
        breakglass: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Say what you found of a break-glass that somebody else opened
    Review {
        /// Its id
        breakglass: String,
        /// What you found
        #[arg(long, value_name = "TEXT")]
        notes: String,
        /// What comes of it
        #[arg(long, value_name = "TEXT")]
        outcome: Option<String>,
    },
    /// Count them, with those that wait for a review
    Stats,
}

impl Action {
    pub(super) fn run(self, plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
        let xybern = plane.client.xybern();
        match self {
            Self::List => show::list(&plane.ask(xybern.list_breakglass())?, output),
            Self::Open { agent, justification, severity, minutes, action, max_actions } => {
                let mut draft = BreakglassDraft::default();
                (draft.agent_id, draft.justification, draft.severity) = (agent, justification, severity);
                (draft.duration_minutes, draft.action_type, draft.max_actions) =
                    (minutes, action, max_actions);
                show::one(&plane.ask(xybern.trigger_breakglass(&draft))?, output)
            }
            Self::Close { breakglass, reason } => {
                show::one(&plane.ask(xybern.close_breakglass(&breakglass, reason.as_deref()))?, output)
            }
            Self::Review { breakglass, notes, outcome } => {
                let reviewed = xybern.review_breakglass(&breakglass, &notes, outcome.as_deref());
                show::one(&plane.ask(reviewed)?, output)
            }
            Self::Stats => {
                output.members(&plane.ask(xybern.get_breakglass_stats())?)?;
                Ok(Exit::Ok)
            }
        }
    }
}
