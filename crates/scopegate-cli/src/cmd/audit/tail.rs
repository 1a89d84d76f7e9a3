//! `scopegate audit tail`: the newest decisions of a plane.

use std::time::Duration;

use scopegate_client::{AuditEvent, ExportOrder};

use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::reveal::reveal;

/// How often there is a look for new ones.
const EVERY: Duration = Duration::from_secs(1);

/// Show the newest decisions of a plane
///
/// One line each: when, what was decided, about which tool, and why. Takes a key of kind auditor.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate audit tail -n 50
  scopegate audit tail --follow --output json")]
pub(super) struct Tail {
    #[command(flatten)]
    connection: Connection,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    lines: u64,
    /// And then those that follow, until you interrupt it
    #[arg(short, long)]
    follow: bool,
}

impl Tail {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        let order = ExportOrder::default().last_records(self.lines);
        let mut next = show(&plane, &order, output)?;
        if !self.follow {
            return Ok(Exit::Ok);
        }
        loop {
            plane.pause(EVERY);
            let order = ExportOrder::default().from_record(next);
            next = show(&plane, &order, output)?;
        }
    }
}

/// The number that the record after the last has.
fn show(plane: &Plane, order: &ExportOrder, output: &mut Output) -> Result<u64, Failure> {
    let read = plane.ask(plane.client.read_audit(order))?;
    for event in &read.events {
        match output.is_json() {
            true => output.json(event)?,
            false => output.line(line(event))?,
        }
    }
    output.flush()?;
    Ok(read.next)
}

fn line(event: &AuditEvent) -> String {
    let text = |text: &Option<String>| text.as_deref().map(reveal).unwrap_or_default();
    let code = text(&event.deny_code);
    let mut line = format!("{}  {:>6}  {:<8}", event.timestamp, event.seq, reveal(event.word()));
    for part in [text(&event.tool), text(&event.role), code, text(&event.reason)] {
        if !part.is_empty() {
            line.push_str("  ");
            line.push_str(&part);
        }
    }
    line
}
