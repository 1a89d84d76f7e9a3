//! `scopegate status`: is the plane there, and how is it?

use scopegate_client::{ClientError, Health, SessionStatus, SessionView};
use serde::Serialize;

use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::reveal::reveal;

/// Show whether a plane is there, and how it is
///
/// Needs no key; with one, shows what that key may see.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 it works, 1 it answers that it cannot work, 2 it does not know the key, 4 no answer

Examples:
  scopegate status
  scopegate status --url https://plane.example.com --output json")]
pub(crate) struct Status {
    #[command(flatten)]
    connection: Connection,
}

/// What is told.
#[derive(Serialize)]
struct Told {
    url: String,
    status: String,
    reason: Option<String>,
    version: Option<String>,
    audit: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

/// What a key shows. Null is what it may not see, or when there is no key.
#[derive(Default, Serialize)]
struct Counts {
    roles: Option<usize>,
    active_sessions: Option<usize>,
    waiting_reviews: Option<usize>,
}

impl Counts {
    fn look(plane: &Plane) -> Result<Self, Failure> {
        let active = |all: Vec<SessionView>| {
            all.iter().filter(|session| session.status == SessionStatus::Active).count()
        };
        Ok(Self {
            roles: seen(plane, plane.wait(plane.client.list_roles()))?.map(|roles| roles.len()),
            active_sessions: seen(plane, plane.wait(plane.client.list_sessions()))?.map(active),
            waiting_reviews: seen(plane, plane.wait(plane.client.list_reviews()))?.map(|all| all.len()),
        })
    }
}

impl Status {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        let health = plane.ask(plane.client.healthz())?;
        let exit = if health.is_ok() { Exit::Ok } else { Exit::Denied };
        let counts = if health.is_ok() { Counts::look(&plane)? } else { Counts::default() };
        let Health { status, reason, version, audit, .. } = health;
        let told = Told { url: plane.url(), status, reason, version, audit, counts };
        match output.is_json() {
            true => output.json(&told)?,
            false => tell(&told, output)?,
        }
        Ok(exit)
    }
}

/// What a key shows, if it may and there is one.
fn seen<T>(plane: &Plane, asked: Result<T, ClientError>) -> Result<Option<T>, Failure> {
    match asked {
        Ok(seen) => Ok(Some(seen)),
        Err(ClientError::Forbidden(_)) => Ok(None),
        Err(ClientError::Unauthorized(_)) if !plane.has_key() => Ok(None),
        Err(error) => Err(plane.explain(&error)),
    }
}

fn tell(told: &Told, output: &mut Output) -> Result<(), Failure> {
    let count =
        |count: Option<usize>| count.map_or_else(|| "not with this key".to_owned(), |n| n.to_string());
    let text = |text: &Option<String>| reveal(text.as_deref().unwrap_or("-"));
    output.line(format!("{}: {}", told.url, reveal(&told.status)))?;
    if told.reason.is_some() {
        output.line(format!("  why              {}", text(&told.reason)))?;
    }
    output.line(format!("  version          {}", text(&told.version)))?;
    output.line(format!("  records          {}", text(&told.audit)))?;
    output.line(format!("  roles            {}", count(told.counts.roles)))?;
    output.line(format!("  active sessions  {}", count(told.counts.active_sessions)))?;
    output.line(format!("  waiting reviews  {}", count(told.counts.waiting_reviews)))
}
