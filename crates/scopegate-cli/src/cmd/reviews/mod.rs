//! `scopegate reviews`: calls that wait for a person.

mod show;
mod watch;

use scopegate_client::{Review, ReviewStatus};

use self::show::{list, show};
use crate::confirm::confirm;
use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// See held calls, and decide on them
///
/// A call is shown as it would run: all arguments in full, and whatever could not be seen, or could be taken for
/// something else, spelled out. Deciding takes a key of kind approver; who asked cannot also agree.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 you said no, 2 it cannot be done as given, 4 no answer

Examples:
  scopegate reviews watch
  scopegate reviews list
  scopegate reviews approve 01d5c5a0-5f2e-4bb1-9a55-6d6a1f5a3c11 --label \"Ann, by phone\"")]
pub(crate) struct Reviews {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the calls that wait, oldest first
    List,
    /// Show a call in full, also one that was decided
    Show {
        /// The id of the review
        review: String,
    },
    /// Let a call run, once, exactly as it is shown
    Approve(Decide),
    /// Refuse a call until its time is over
    Reject(Decide),
    /// Show calls as they come to wait, and what becomes of them, until you interrupt it
    Watch {
        /// How often to look, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
        every: u64,
    },
}

#[derive(Debug, clap::Args)]
struct Decide {
    /// The id of the review
    review: String,
    /// Who decides, where several people share a key: it is only noted
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// Decide without being shown the call and asked
    #[arg(short, long)]
    yes: bool,
}

impl Reviews {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List => list(&plane, output),
            Action::Show { review } => {
                let review = plane.ask(plane.client.get_review(&review))?;
                tell(&review, output)?;
                Ok(Exit::Ok)
            }
            Action::Approve(decide) => decide.run(&plane, true, output),
            Action::Reject(decide) => decide.run(&plane, false, output),
            Action::Watch { every } => watch::watch(&plane, std::time::Duration::from_secs(every), output),
        }
    }
}

impl Decide {
    fn run(self, plane: &Plane, approve: bool, output: &mut Output) -> Result<Exit, Failure> {
        let review = plane.ask(plane.client.get_review(&self.review))?;
        if !self.yes && review.status == ReviewStatus::Pending {
            tell(&review, output)?;
            output.flush()?;
            let question = if approve { "Let this call run, once?" } else { "Refuse this call?" };
            if !confirm(false, question)? {
                output::message("nothing was decided");
                return Ok(Exit::Denied);
            }
        }
        let decided = match approve {
            true => plane.ask(plane.client.approve(&self.review, &self.label))?,
            false => plane.ask(plane.client.reject(&self.review, &self.label))?,
        };
        if output.is_json() {
            output.json(&decided)?;
        }
        output::message(&format!("{}: {}", decided.id, decided.status));
        Ok(Exit::Ok)
    }
}

/// A review, for whoever looks.
fn tell(review: &Review, output: &mut Output) -> Result<(), Failure> {
    match output.is_json() {
        true => output.json(review),
        false => show(review, output),
    }
}
