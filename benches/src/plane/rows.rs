//! The rows, and the rounds they are taken from.

use std::process::Command;
use std::time::Duration;

use super::appends;
use super::load::{Figures, Question, drive};
use super::resident::resident;
use super::servers::{Plane, Server};
use crate::Result;

/// How long one server is asked in one round.
const SPAN: Duration = Duration::from_secs(1);

/// One round of one server: with one caller, and with 64.
#[derive(Clone, Copy, Debug)]
struct Round {
    alone: Figures,
    crowd: Figures,
}

/// A server that is measured, and what came of it.
struct Measured {
    name: &'static str,
    question: Question,
    rounds: Vec<Round>,
}

/// Measures all servers in turn, `rounds` times, and prints the rows.
///
/// # Errors
/// When a server does not start, or answers wrongly.
pub fn measure(rounds: usize, with_resident: bool) -> Result<()> {
    keep_to_second_core();
    let (buffered, durable) = (Plane::start("buffered")?, Plane::start("durable")?);
    let hello = Server::own("hello")?;
    let call = serde_json::to_string(&crate::workload::call(crate::workload::Case::Allow))?;
    let mut servers = vec![
        measured("hello", hello.question("/", &call, "\"allow\"")),
        measured("plane, buffered", buffered.question()?),
        measured("plane, durable", durable.question()?),
    ];
    let cedar = if cfg!(feature = "peers") { Some(Server::own("cedar")?) } else { None };
    servers.extend(cedar.iter().map(|cedar| measured("cedar", cedar.question("/", &call, "\"allow\""))));
    let mut synced = Vec::new();
    for _ in 0..rounds {
        for server in &mut servers {
            let (alone, crowd) = (drive(&server.question, 1, SPAN)?, drive(&server.question, 64, SPAN)?);
            server.rounds.push(Round { alone, crowd });
        }
        synced.push(appends::middle()?);
    }
    print_servers(&servers);
    print_rows(&servers, &synced);
    if with_resident {
        // The next plane has their folder, and the machine to itself.
        drop((buffered, durable, hello, cedar));
        let (full, empty) = resident()?;
        println!(
            "20   a plane with 1,000 roles and 100,000 sessions holds {full:.0} MiB, an empty one {empty:.0} MiB; Cerbos: not run"
        );
    }
    Ok(())
}

fn measured(name: &'static str, question: Question) -> Measured {
    Measured { name, question, rounds: Vec::new() }
}

/// The load, all of it, beside the servers and not among them. Without `taskset` the system decides.
fn keep_to_second_core() {
    let own = std::process::id().to_string();
    let _ = Command::new("taskset").args(["-acp", "1", &own]).output();
}

fn print_servers(servers: &[Measured]) {
    println!(
        "{:<18} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "server", "c=1 p50", "min p99", "c=64 /s", "p50", "min p99"
    );
    for Measured { name, rounds, .. } in servers {
        let least = |of: fn(&Round) -> f64| rounds.iter().map(of).fold(f64::INFINITY, f64::min);
        println!(
            "{name:<18} {:>7.0} us {:>7.0} us {:>10.0} {:>7.0} us {:>7.0} us",
            median(rounds.iter().map(|round| round.alone.p50)),
            least(|round| round.alone.p99),
            median(rounds.iter().map(|round| round.crowd.rate)),
            median(rounds.iter().map(|round| round.crowd.p50)),
            least(|round| round.crowd.p99),
        );
    }
}

fn print_rows(servers: &[Measured], synced: &[f64]) {
    let of =
        |name: &str| servers.iter().find(|server| server.name == name).map(|server| server.rounds.as_slice());
    let ratio = |ours: &str, peer: &str, figure: fn(&Round) -> f64| {
        let (ours, peer) = (of(ours)?, of(peer)?);
        Some(median(ours.iter().zip(peer).map(|(ours, peer)| figure(ours) / figure(peer))))
    };
    let least = |name: &str, figure: fn(&Round) -> f64| {
        of(name).map(|rounds| rounds.iter().map(figure).fold(f64::INFINITY, f64::min))
    };
    let least_ratio =
        |ours: &str, figure: fn(&Round) -> f64| Some(least(ours, figure)? / least("hello", figure)?);
    let (buffered, durable) = ("plane, buffered", "plane, durable");
    println!("\n{:<4} {:<44} {:>8} {:>10} {:>10}", "goal", "what", "figure", "must", "stretch");
    row("15", "c=64, to hello", ratio(buffered, "hello", |round| round.crowd.rate), true, 0.6, Some(0.75));
    row("15", "c=64, to Cedar in axum", ratio(buffered, "cedar", |round| round.crowd.rate), true, 4.0, None);
    for peer in ["regorus in axum", "cedar-agent", "Cerbos"] {
        println!("15   c=64, to {peer:<33} not run");
    }
    row("16", "c=1 p50, to hello", ratio(buffered, "hello", |round| round.alone.p50), false, 1.3, Some(1.15));
    row(
        "16",
        "c=1 least p99, to hello",
        least_ratio(buffered, |round| round.alone.p99),
        false,
        1.5,
        Some(1.2),
    );
    row(
        "16",
        "c=64 least p99, to hello",
        least_ratio(buffered, |round| round.crowd.p99),
        false,
        2.0,
        Some(1.4),
    );
    row("17", "c=64, to hello", ratio(durable, "hello", |round| round.crowd.rate), true, 0.33, Some(0.45));
    println!("17   c=64, to an insert into PostgreSQL          not run");
    let append = of(durable)
        .map(|rounds| median(rounds.iter().zip(synced).map(|(round, synced)| round.alone.p50 / synced)));
    row("17", "c=1 p50, to a synced append", append, false, 1.5, None);
}

fn row(number: &str, what: &str, figure: Option<f64>, more: bool, must: f64, stretch: Option<f64>) {
    let Some(figure) = figure else {
        println!("{number:<4} {what:<44}  not run");
        return;
    };
    let meets = |bar: f64| if more { figure >= bar } else { figure <= bar };
    let verdict = match () {
        () if stretch.is_some_and(meets) => "met, stretch too",
        () if meets(must) => "met",
        () => "NOT MET",
    };
    let sign = if more { "≥" } else { "≤" };
    let stretch = stretch.map_or("-".to_owned(), |stretch| format!("{sign} {stretch:.2}x"));
    println!(
        "{number:<4} {what:<44} {figure:>7.2}x {:>10} {stretch:>10}  {verdict}",
        format!("{sign} {must:.2}x")
    );
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
